import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { configOf } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const skip = missing('openssl');
const LISTEN = 'https://127.0.0.1:0';

/** A certificate in files, as the configuration names them. */
function issue(t: TestContext) {
  const folder = temporaryFolder(t);
  const certificate = makeCertificate();
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, certificate.cert);
  writeFileSync(files.key, certificate.key);
  return { ca: certificate.cert, files };
}

function status(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
}

test('a daemon with a certificate serves pages and WebSockets over TLS', { skip }, async (t) => {
  const { ca, files } = issue(t);
  const { url } = await startDaemon(t, { listen: LISTEN, tls: [files] });
  assert.match(url, /^https:/);
  assert.equal(await status(`${url}/health`, ca), 200);
  const socket = await connectWebSocket(url.replace('https', 'wss'), { tls: { ca }, protocols: [SUBPROTOCOL] });
  t.after(() => socket.terminate());
  socket.send('["hi",1]');
  const { value } = await socket[Symbol.asyncIterator]().next();
  assert.match(String(value), /^\["ok",1/);
});

test('a reload replaces the certificate without dropping connections, and refuses one that does not match its key', {
  skip,
}, async (t) => {
  const [first, second] = [issue(t), issue(t)];
  const { daemon, url } = await startDaemon(t, { listen: LISTEN, tls: [first.files] });
  const socket = await connectWebSocket(url.replace('https', 'wss'), {
    tls: { ca: first.ca },
    protocols: [SUBPROTOCOL],
  });
  t.after(() => socket.terminate());
  const mixed = { cert: first.files.cert, key: second.files.key };
  await assert.rejects(daemon.reload(configOf({ listen: LISTEN, tls: [mixed] })), { code: 'BAD_CERTIFICATE' });
  assert.equal(await status(`${url}/ready`, first.ca), 200);
  await daemon.reload(configOf({ listen: LISTEN, tls: [second.files] }));
  assert.equal(await status(`${url}/ready`, second.ca), 200);
  await assert.rejects(status(`${url}/ready`, first.ca));
  socket.send('["hi",1]');
  assert.match(String((await socket[Symbol.asyncIterator]().next()).value), /^\["ok",1/);
});

test('a daemon whose certificate does not match its key does not start', { skip }, async (t) => {
  const [first, second] = [issue(t), issue(t)];
  const mixed = { cert: first.files.cert, key: second.files.key };
  await assert.rejects(startDaemon(t, { listen: LISTEN, tls: [mixed] }), { code: 'BAD_CERTIFICATE' });
});
