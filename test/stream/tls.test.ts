import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { test } from 'node:test';
import { connect, listen } from '../../src/stream/index.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { missing } from '../support/need.ts';

const skip = missing('openssl');
const { cert, key }: Certificate = skip ? { cert: '', key: '' } : makeCertificate();

async function serve(options: object = {}) {
  const server = await listen('tls://localhost:0', { cert, key, ...options });
  (async () => {
    for await (const socket of server) socket.pipe(socket);
  })();
  return server;
}

test('a round trip works with a certificate trusted by ca, by address and by name', { skip }, async () => {
  const server = await serve();
  const port = server.addresses[0]!.split(':').at(-1);
  for (const address of [...server.addresses, `tls://localhost:${port}`]) {
    const socket = await connect(address, { ca: cert });
    assert.match(socket.remoteAddress, /^tls:/);
    socket.end('secreto'.repeat(100_000));
    assert.equal(await socket.text(), 'secreto'.repeat(100_000));
  }
  await server.close();
});

test('half-closing works over TLS: a side that has ended still gets the answer', { skip }, async () => {
  const server = await listen('tls://127.0.0.1:0', { cert, key });
  const [there, here] = await Promise.all([server.accept(), connect(server.addresses[0]!, { ca: [cert] })]);
  here.end('question');
  assert.equal(await there.text(), 'question');
  there.end('answer');
  assert.equal(await here.text(), 'answer');
  await server.close();
});

test('an untrusted certificate is CERTIFICATE_NOT_TRUSTED, and the server continues', {
  skip,
}, async () => {
  const server = await serve();
  await assert.rejects(connect(server.addresses[0]!), {
    code: 'CERTIFICATE_NOT_TRUSTED',
    message: new RegExp(`the certificate of ${server.addresses[0]} is self-signed; trust the authority`),
  });
  const socket = await connect(server.addresses[0]!, { rejectUnauthorized: false });
  socket.end('still here');
  assert.equal(await socket.text(), 'still here');
  await server.close();
});

test('a certificate for another name is CERTIFICATE_NOT_TRUSTED, unless that name is requested', {
  skip,
}, async () => {
  const other = makeCertificate('DNS:other.example');
  const server = await serve(other);
  await assert.rejects(connect(server.addresses[0]!, { ca: other.cert }), {
    code: 'CERTIFICATE_NOT_TRUSTED',
    message: /issued for another name/,
  });
  const socket = await connect(server.addresses[0]!, { ca: other.cert, servername: 'other.example' });
  socket.end();
  assert.equal(await socket.text(), '');
  await server.close();
});

test('a server that requires client certificates accepts the right one and refuses another', { skip }, async () => {
  const server = await serve({ ca: cert });
  const known = await connect(server.addresses[0]!, { ca: cert, cert, key });
  known.end('it is me');
  assert.equal(await known.text(), 'it is me');
  const unknown = connect(server.addresses[0]!, { ca: cert }).then((socket) => socket.text());
  await assert.rejects(unknown, { code: 'TLS_FAILED', message: /CERTIFICATE_REQUIRED/ });
  await server.close();
});

test('a certificate or key that cannot be read, and a pair that does not match, are BAD_CERTIFICATE', {
  skip,
}, async () => {
  const address = 'tls://127.0.0.1:0';
  await assert.rejects(listen(address, { cert: 'no PEM', key }), { code: 'BAD_CERTIFICATE', message: /tls:\/\/127/ });
  await assert.rejects(listen(address, { cert, key: makeCertificate().key }), { code: 'BAD_CERTIFICATE' });
  await assert.rejects(listen(address), { code: 'BAD_CERTIFICATE', message: /needs the options cert and key/ });
  await assert.rejects(connect('tls://127.0.0.1:9', { cert: 'no PEM', key }), { code: 'BAD_CERTIFICATE' });
});

test('a server that does not speak TLS, or hangs up, is TLS_FAILED', { skip }, async () => {
  const plain = await listen('tcp://127.0.0.1:0');
  const address = plain.addresses[0]!.replace('tcp', 'tls');
  const pending = assert.rejects(connect(address), { code: 'TLS_FAILED' });
  const socket = await plain.accept();
  socket.end('220 hello, this is plain text\r\n');
  await pending;
  const again = assert.rejects(connect(address), { code: 'TLS_FAILED', message: /hung up in the TLS handshake/ });
  (await plain.accept()).end();
  await again;
  await plain.close({ grace: 0 });
});

test('a client that does not speak TLS to a TLS server is cut off, and the server continues', { skip }, async () => {
  const server = await serve();
  const raw = netConnect(Number(server.addresses[0]!.split(':').at(-1)), '127.0.0.1');
  raw.on('error', () => {}).resume();
  raw.write('GET / HTTP/1.0\r\n\r\n');
  await once(raw, 'close');
  const socket = await connect(server.addresses[0]!, { ca: cert });
  socket.end('next');
  assert.equal(await socket.text(), 'next');
  await server.close();
});

test('a client that disconnects in the handshake is removed, and does not delay close()', {
  skip,
  timeout: 10_000,
}, async () => {
  const server = await serve({ clock: new FakeClock() }); // whose grace is never over
  await assert.rejects(connect(server.addresses[0]!), { code: 'CERTIFICATE_NOT_TRUSTED' });
  await server.close();
});

test('close() cuts off an endless handshake after the grace', { skip }, async () => {
  const server = await serve();
  const raw = netConnect(Number(server.addresses[0]!.split(':').at(-1)), '127.0.0.1');
  raw.on('error', () => {}).resume();
  await once(raw, 'connect');
  const closed = once(raw, 'close');
  await server.close({ grace: 0 });
  await closed;
});
