import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen } from '../../src/stream/index.ts';
import { WebSocketServer } from '../../src/websocket/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { Program, zocalo } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('input is sent at once, and answers are printed at once', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!);
  const lines = (await server.accept()).lines();
  program.child.stdin.write('hola\n');
  assert.equal((await lines.next()).value, 'hola');
  program.child.stdin.end('adiós\n');
  assert.equal((await lines.next()).value, 'adiós');
  assert.equal((await lines.next()).done, true);
  await server.close({ grace: 0 });
  await program.exited;
});

test('the end of the input is passed on, and everything still answered is printed', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!);
  program.child.stdin.end('question'.repeat(100_000));
  const socket = await server.accept();
  assert.equal(await socket.text(), 'question'.repeat(100_000));
  socket.end('answer'.repeat(100_000));
  assert.equal(await program.exited, 0);
  assert.ok(program.stdout === 'answer'.repeat(100_000));
  assert.equal(program.stderr, '');
  await server.close();
});

test('when the other side ends first, the available input still reaches it', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!, '--wait', '30');
  const socket = await server.accept();
  socket.end('I listen\n');
  await program.says(/I listen/);
  program.child.stdin.end('and I talk\n');
  assert.equal(await socket.text(), 'and I talk\n');
  assert.equal(await program.exited, 0);
  await server.close();
});

test('when the other side ends, a silent input is not waited for', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!, '--wait', '0.01');
  (await server.accept()).end('bye\n');
  assert.equal(await program.exited, 0);
  assert.equal(program.stdout, 'bye\n');
  await server.close();
});

test('a raw HTTP request is answered by a real HTTP server', async () => {
  const http = createHttpServer((request, response) => response.end(`for ${request.url}`)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const program = zocalo('connect', `tcp://127.0.0.1:${(http.address() as AddressInfo).port}`);
  program.child.stdin.end('GET /plaza HTTP/1.0\r\n\r\n');
  assert.equal(await program.exited, 0);
  assert.match(program.stdout, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfor \/plaza$/);
  http.close();
});

test('real nc -l receives the input, and its output is printed', { skip: missing('nc') }, async () => {
  // A free port, as netcat itself cannot pick one and say which.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  const nc = new Program('nc', ['-v', '-l', '-N', '127.0.0.1', String(port)]);
  await nc.says(/listening/i, 'stderr');
  const program = zocalo('connect', `tcp://127.0.0.1:${port}`);
  program.child.stdin.write('Hola que tal\n');
  await nc.says(/Hola que tal\n/);
  nc.child.stdin.write('muy bien\n');
  await program.says(/muy bien\n/);
  program.child.stdin.end();
  assert.equal(await nc.exited, 0);
  assert.equal(await program.exited, 0);
  assert.equal(nc.stdout, 'Hola que tal\n');
  assert.equal(program.stdout, 'muy bien\n');
});

test('over UDP a line is a datagram, and answers are awaited after the input', async () => {
  const server = await listen('udp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!, '--wait', '1');
  program.child.stdin.end('uno\ndos\n');
  const peer = await server.accept();
  const seen: string[] = [];
  for await (const datagram of peer) {
    seen.push(String(datagram));
    peer.write(`got ${datagram}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['uno\n', 'dos\n']);
  assert.equal(await program.exited, 0);
  assert.equal(program.stdout, 'got uno\ngot dos\n');
  await server.close({ grace: 0 });
});

test('tls:// trusts the authority of --ca, and any certificate with --insecure', {
  skip: missing('openssl'),
}, async (t) => {
  const certificate = makeCertificate();
  const directory = temporaryFolder(t);
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, certificate.cert);
  const server = await listen('tls://127.0.0.1:0', certificate);
  (async () => {
    for await (const socket of server) socket.pipe(socket);
  })();
  for (const trust of [['--ca', ca], ['--insecure']]) {
    const program = zocalo('connect', server.addresses[0]!, ...trust);
    program.child.stdin.end('secreto');
    assert.equal(await program.exited, 0, program.stderr);
    assert.equal(program.stdout, 'secreto');
  }
  await server.close();
});

class Answering extends WebSocketServer {
  override onMessage(user: Parameters<WebSocketServer['onMessage']>[0], message: string | Uint8Array): void {
    if (message === 'leave') user.close(4001, 'as you wish');
    else user.send(`got ${message}`);
  }
}

test('over a WebSocket a line is a message in both directions, and the end of the input closes it with 1000', async () => {
  const server = new Answering('ws://127.0.0.1:0');
  await server.listen();
  const closed = new Promise((resolve) => {
    server.onClose = (_, code) => resolve(code);
  });
  const program = zocalo('connect', `${server.addresses[0]}/room`, '--wait', '1');
  program.child.stdin.end('uno\ndós\nlast');
  assert.equal(await program.exited, 0, program.stderr);
  assert.equal(program.stdout, 'got uno\ngot dós\ngot last\n');
  assert.equal(await closed, 1000);
  await server.close({ grace: 0 });
});

test('a WebSocket that the server closes with its own code is one line, and the exit code is 5', async () => {
  const server = new Answering('ws://127.0.0.1:0');
  await server.listen();
  const program = zocalo('connect', server.addresses[0]!);
  program.child.stdin.write('leave\n');
  assert.equal(await program.exited, 5);
  assert.match(program.stderr, /^SOCKET_CLOSED: ws:\S+ closed with 4001 \(as you wish\); [^\n]+\n$/);
  await server.close({ grace: 0 });
});

test('the reader of the output may stop, which is not an error', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const program = zocalo('connect', server.addresses[0]!);
  const socket = await server.accept();
  program.child.stdout.destroy();
  const flood = () => socket.write('x'.repeat(65_536), (error) => error ?? flood());
  flood();
  assert.equal(await program.exited, 0);
  assert.equal(program.stderr, '');
  await server.close({ grace: 0 });
});
