import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { zocalo } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { Recorder, take } from '../support/recorder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const skip = missing('openssl');

test('wss: with a trusted certificate messages work in both directions, small and large', { skip }, async (t) => {
  const { cert, key } = makeCertificate();
  const server = await Recorder.listen(t, { tls: { cert, key } }, 'wss://127.0.0.1:0');
  server.message = (user, message) => user.send(message);
  const client = await connectWebSocket(server.url, { tls: { ca: cert }, compression: false });
  client.send('hola');
  client.send(Buffer.alloc(300_000, 7));
  assert.deepEqual(await take(client, 2), ['hola', Buffer.alloc(300_000, 7)]);
  server.broadcast('to all');
  assert.deepEqual(await take(client, 1), ['to all']);
  client.close();
  assert.deepEqual(await server.next('close'), [1000, '']);
});

test('wss: an untrusted certificate is refused by the client with its code', {
  skip,
}, async (t) => {
  const { cert, key } = makeCertificate();
  const server = await Recorder.listen(t, { tls: { cert, key } }, 'wss://127.0.0.1:0');
  await assert.rejects(connectWebSocket(server.url), { code: 'CERTIFICATE_NOT_TRUSTED' });
});

test('wss: a server without a certificate, or with one that does not match its key, fails when it starts to listen', {
  skip,
}, async (t) => {
  await assert.rejects(Recorder.listen(t, {}, 'wss://127.0.0.1:0'), { code: 'BAD_CERTIFICATE' });
  const tls = { cert: makeCertificate().cert, key: makeCertificate().key };
  await assert.rejects(Recorder.listen(t, { tls }, 'wss://127.0.0.1:0'), { code: 'BAD_CERTIFICATE' });
});

test('zocalo connect wss:// trusts the authority of --ca, and prints every answer before it exits', {
  skip,
}, async (t) => {
  const { cert, key } = makeCertificate();
  const server = await Recorder.listen(t, { tls: { cert, key } }, 'wss://127.0.0.1:0');
  server.message = (user, message) => user.send(`${message}, too`);
  const folder = temporaryFolder(t);
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, cert);
  const program = zocalo('connect', server.url, '--ca', ca);
  program.child.stdin.end('hola\nadiós\n');
  assert.equal(await program.exited, 0, program.stderr);
  assert.equal(program.stdout, 'hola, too\nadiós, too\n');
  const distrustful = zocalo('connect', server.url);
  distrustful.child.stdin.end();
  assert.equal(await distrustful.exited, 7);
  assert.match(distrustful.stderr, /^CERTIFICATE_NOT_TRUSTED: the certificate of wss:\/\/127\.0\.0\.1:\d+/);
});
