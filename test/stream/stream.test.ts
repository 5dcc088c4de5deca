import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, connect as netConnect } from 'node:net';
import { after, test } from 'node:test';
import { connect, type ListenOptions, listen, type StreamServer, type StreamSocket } from '../../src/stream/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { noIPv6 } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const directory = temporaryFolder({ after });

async function echoServer(url: string, options: ListenOptions = {}): Promise<StreamServer> {
  const server = await listen(url, options);
  (async () => {
    for await (const socket of server) socket.pipe(socket);
  })();
  return server;
}

/** Both ends of one connection, and its server. */
async function pair(options: { client?: object; server?: ListenOptions } = {}) {
  const server = await listen('tcp://127.0.0.1:0', options.server);
  const [there, here] = await Promise.all([server.accept(), connect(server.addresses[0]!, options.client)]);
  return { server, there, here };
}

const cut = (server: StreamServer) => server.close({ grace: 0 });

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test('200 clients at once each get their own bytes back', async () => {
  const server = await echoServer('tcp://localhost:0');
  const ask = async (index: number) => {
    const socket = await connect(server.addresses[index % server.addresses.length]!);
    socket.end(`client ${index} `.repeat(1000));
    return socket.text();
  };
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => ask(index)));
  assert.deepEqual(
    answers,
    answers.map((_, index) => `client ${index} `.repeat(1000)),
  );
  await server.close();
});

test('a raw GET is answered by a real HTTP server', async () => {
  const http = createHttpServer((request, response) => response.end(`you asked for ${request.url}`));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const socket = await connect(`tcp://127.0.0.1:${(http.address() as AddressInfo).port}`);
  socket.write('GET /plaza HTTP/1.0\r\n\r\n');
  const lines = await collect(socket.lines());
  assert.match(lines[0]!, /^HTTP\/1\.\d 200 OK$/);
  assert.equal(lines.at(-1), 'you asked for /plaza');
  http.close();
});

test('a round trip works over a Unix socket, and both ends have its name', async () => {
  const url = `unix://${directory}/echo.sock`;
  const server = await echoServer(url);
  assert.deepEqual(server.addresses, [url]);
  const socket = await connect(url);
  assert.equal(socket.remoteAddress, url);
  socket.end('hola');
  assert.equal(await socket.text(), 'hola');
  await server.close();
});

test('a round trip works over IPv6', { skip: noIPv6 }, async () => {
  const server = await echoServer('tcp://[::1]:0');
  assert.match(server.addresses[0]!, /^tcp:\/\/\[::1\]:\d+$/);
  const socket = await connect(server.addresses[0]!);
  socket.end('hola');
  assert.equal(await socket.text(), 'hola');
  await server.close();
});

test('localhost is reached by either loopback address and by its name', { skip: noIPv6 }, async () => {
  const server = await echoServer('tcp://localhost:0');
  assert.equal(server.addresses.length, 2);
  const port = server.addresses[0]!.split(':').at(-1);
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    const socket = await connect(`tcp://${host}:${port}`);
    socket.end(host);
    assert.equal(await socket.text(), host);
  }
  await server.close();
});

test('after ending our side we can read the answer, and the other side can write it', async () => {
  const { server, here, there } = await pair();
  here.end('question');
  assert.equal(await there.text(), 'question');
  assert.equal(there.destroyed, false);
  there.write('ans');
  there.end('wer');
  assert.equal(await here.text(), 'answer');
  await server.close();
});

test('after the server has ended its side it still reads what the client sends', async () => {
  const { server, here, there } = await pair();
  there.end('that is all');
  assert.equal(await here.text(), 'that is all');
  here.end('but I go on');
  assert.equal(await there.text(), 'but I go on');
  await server.close();
});

test('ten megabytes reach a reader that starts late, and the writer is told to wait', async () => {
  const { server, here, there } = await pair();
  const bytes = Buffer.alloc(10_000_000, 'zócalo');
  assert.equal(here.write(bytes), false);
  here.end();
  assert.ok((await there.text()) === bytes.toString());
  there.end();
  await server.close();
});

test('lines are split at \\n and \\r\\n, even when a character is split in two, and the last one may lack its end', async () => {
  const { server, here, there } = await pair();
  const bytes = Buffer.from('uno\r\n\ndós\ntr\res\nlast');
  const cutAt = bytes.indexOf(0xc3) + 1;
  here.write(bytes.subarray(0, cutAt));
  const lines = there.lines();
  assert.equal((await lines.next()).value, 'uno');
  assert.equal((await lines.next()).value, '');
  here.end(bytes.subarray(cutAt));
  assert.deepEqual(await collect(lines), ['dós', 'tr\res', 'last']);
  there.end();
  await server.close();
});

test('after leaving lines() early, the next reader gets the rest, even after the end', async () => {
  const { server, here, there } = await pair();
  here.end('header\nsecond\nbody\nmore');
  for await (const line of there.lines()) {
    assert.equal(line, 'header');
    break;
  }
  for await (const line of there.lines()) {
    assert.equal(line, 'second');
    break;
  }
  assert.equal(await there.text(), 'body\nmore');
  there.end();
  await server.close();
});

test('a line that is too long is MESSAGE_TOO_BIG and closes the socket', async () => {
  for (const text of ['12345678901', '12345678901\n', 'ok\n1234567890\n']) {
    const { server, here, there } = await pair();
    here.write(text);
    await assert.rejects(collect(there.lines({ maxLength: 10 })), {
      code: 'MESSAGE_TOO_BIG',
      message: /a line from tcp:\/\/127\.0\.0\.1:\d+ is longer than 10 bytes/,
    });
    assert.equal(there.destroyed, true);
    await cut(server);
  }
});

test('a text that is too long is MESSAGE_TOO_BIG', async () => {
  const { server, here, there } = await pair();
  here.end('12345678901');
  await assert.rejects(there.text({ maxLength: 10 }), { code: 'MESSAGE_TOO_BIG' });
  await cut(server);
});

test('refused, unknown and unreachable addresses each have their code, and their name in the message', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const [address] = server.addresses;
  await server.close();
  await assert.rejects(connect(address!), { code: 'CONNECTION_REFUSED', message: new RegExp(`^${address} refused`) });
  await assert.rejects(connect('tcp://nobody.invalid:80'), {
    code: 'UNKNOWN_HOST',
    message: /tcp:\/\/nobody\.invalid:80/,
  });
  await assert.rejects(connect('udp://nobody.invalid:80'), { code: 'UNKNOWN_HOST' });
  await assert.rejects(connect(`unix://${directory}/nobody.sock`), { code: 'NO_SUCH_PATH', message: /nobody\.sock/ });
  await assert.rejects(connect('tcp://127.0.0.1:0'), { code: 'BAD_ADDRESS', message: /port 0/ });
  await assert.rejects(connect('ws://127.0.0.1:1'), { code: 'UNKNOWN_SCHEME', message: /connectWebSocket/ });
  await assert.rejects(listen('ws://127.0.0.1:0'), { code: 'UNKNOWN_SCHEME', message: /WebSocketServer/ });
  await assert.rejects(connect('nonsense'), { code: 'BAD_ADDRESS' });
});

test('a port that is taken is ADDRESS_IN_USE', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  await assert.rejects(listen(server.addresses[0]!), { code: 'ADDRESS_IN_USE' });
  await server.close();
});

test('a silent TLS server is TIMEOUT after the time limit', async () => {
  const clock = new FakeClock();
  const silent = await listen('tcp://127.0.0.1:0');
  const accepted = silent.accept();
  const pending = connect(silent.addresses[0]!.replace('tcp', 'tls'), { timeout: 300, clock });
  const outcome = assert.rejects(pending, {
    code: 'TIMEOUT',
    message: /^tls:\/\/127\.0\.0\.1:\d+ did not answer within 300 ms/,
  });
  await accepted;
  clock.advance(300);
  await outcome;
  assert.equal(clock.pending, 0);
  await cut(silent);
});

test('connecting is cancelled by a signal, before and while it waits', async () => {
  await assert.rejects(connect('tcp://127.0.0.1:9', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  const silent = await listen('tcp://127.0.0.1:0');
  const controller = new AbortController();
  const pending = connect(silent.addresses[0]!.replace('tcp', 'tls'), { signal: controller.signal });
  const outcome = assert.rejects(pending, { code: 'ABORTED' });
  await silent.accept();
  controller.abort();
  await outcome;
  await cut(silent);
});

test('an open socket ends with ABORTED when its signal aborts', async () => {
  const controller = new AbortController();
  const { server, here } = await pair({ client: { signal: controller.signal } });
  const reading = assert.rejects(here.text(), { code: 'ABORTED' });
  controller.abort();
  await reading;
  await cut(server);
});

test('lines() and text() are cancelled by their own signal', async () => {
  for (const read of ['text', 'lines'] as const) {
    const controller = new AbortController();
    const { server, here } = await pair();
    const { signal } = controller;
    const reading = read === 'text' ? here.text({ signal }) : collect(here.lines({ signal }));
    const outcome = assert.rejects(reading, { code: 'ABORTED' });
    controller.abort();
    await outcome;
    await cut(server);
  }
});

test('an idle socket is TIMEOUT, and an active one is not', async () => {
  const clock = new FakeClock();
  const { server, here, there } = await pair({ client: { idleTimeout: 1000, clock } });
  clock.advance(900);
  there.write('here I am\n');
  const lines = here.lines();
  assert.equal((await lines.next()).value, 'here I am');
  clock.advance(900);
  assert.equal(here.destroyed, false);
  const next = assert.rejects(lines.next(), { code: 'TIMEOUT', message: /was silent for 1000 ms/ });
  clock.advance(100);
  await next;
  assert.equal(clock.pending, 0);
  await cut(server);
});

test('accept() ends with its timeout, its signal, or the close of the server', async () => {
  const clock = new FakeClock();
  const server = await listen('tcp://127.0.0.1:0', { clock });
  const late = assert.rejects(server.accept({ timeout: 50 }), { code: 'TIMEOUT' });
  clock.advance(50);
  await late;
  const controller = new AbortController();
  const aborted = assert.rejects(server.accept({ signal: controller.signal }), { code: 'ABORTED' });
  controller.abort();
  await aborted;

  const client = await connect(server.addresses[0]!); // those who gave up have taken nothing
  await server.accept({ timeout: 50 });
  client.destroy();
  const closing = assert.rejects(server.accept(), { code: 'SOCKET_CLOSED' });
  await cut(server);
  await closing;
  await assert.rejects(server.accept(), { code: 'SOCKET_CLOSED' });
  assert.equal(clock.pending, 0);
});

test('a client that arrives when the accept queue is full is cut off, and waiting ones are served', async () => {
  const server = await listen('tcp://127.0.0.1:0', { acceptLimit: 2 });
  const address = server.addresses[0]!;
  const first = await connect(address);
  const second = await connect(address);
  const third = await connect(address);
  await assert.doesNotReject(third.text().catch((error) => assert.equal(error.code, 'CONNECTION_RESET')));
  for (const client of [first, second]) {
    const socket = await server.accept();
    socket.end('served');
    assert.equal(await client.text(), 'served');
    client.end();
  }
  await server.close();
});

test('close() lets open sockets finish, accepts no new ones, and ends the iteration', async () => {
  const clock = new FakeClock();
  const { server, here, there } = await pair({ server: { clock } });
  const iteration = (async () => {
    for await (const _ of server) assert.fail('nobody else came');
  })();
  const closing = server.close();
  await iteration;
  await assert.rejects(connect(server.addresses[0]!), { code: 'CONNECTION_REFUSED' });
  here.end('last words');
  assert.equal(await there.text(), 'last words');
  there.end();
  await closing;
  assert.equal(clock.pending, 0);
});

test('close() ends unfinished sockets after the grace', async () => {
  const clock = new FakeClock();
  const { server, here, there } = await pair({ server: { clock } });
  const reading = assert.rejects(there.text(), { code: 'SOCKET_CLOSED' });
  const closing = server.close({ grace: 2000 });
  clock.advance(1999);
  assert.equal(there.destroyed, false);
  clock.advance(1);
  await closing;
  await reading;
  here.destroy();
});

test('close() also ends a peer that saw the end and has been silent since', { timeout: 10_000 }, async () => {
  const { server, here, there } = await pair();
  here.end();
  await there.text();
  const closed = once(there, 'close');
  await server.close({ grace: 0 });
  await closed;
});

test('a signal closes the server', async () => {
  await assert.rejects(listen('tcp://127.0.0.1:0', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  const controller = new AbortController();
  const server = await listen('tcp://127.0.0.1:0', { signal: controller.signal });
  const waiting = assert.rejects(server.accept(), { code: 'SOCKET_CLOSED' });
  controller.abort();
  await waiting;
});

test('a reset by the peer is CONNECTION_RESET for a reader, and nothing without one', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const { port } = new URL(server.addresses[0]!.replace('tcp', 'http'));
  const raws = [0, 1].map(() => netConnect(Number(port), '127.0.0.1'));
  const reader = await server.accept();
  const other = await server.accept();
  const reading = assert.rejects(reader.text(), {
    code: 'CONNECTION_RESET',
    message: /tcp:\/\/127\.0\.0\.1:\d+ was cut/,
  });
  other.resume();
  const closed = new Promise((done) => other.on('close', done));
  for (const raw of raws) raw.resetAndDestroy();
  await reading;
  await closed;
  await server.close();
});

test('writing to a closed socket fails its callback, and nothing else', async () => {
  const { server, here, there } = await pair();
  there.destroy();
  await here.text();
  const failed = new Promise((resolve) => {
    const write = () => here.write('x', (error) => (error ? resolve(error) : write()));
    write();
  });
  assert.match(String((await failed) as Error), /CONNECTION_RESET|cut|left to send|destroyed/);
  await server.close();
});

test('a socket that both sides have ended is closed, whether a listener reads it or not', async () => {
  const { server, here, there } = await pair();
  here.end();
  there.end();
  here.resume();
  there.resume();
  await Promise.all([once(here, 'close'), once(there, 'close')]);
  await server.close();
});

test('it works with clients and servers of node:net as well', async () => {
  const raw = createNetServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const socket: StreamSocket = await connect(`tcp://127.0.0.1:${(raw.address() as AddressInfo).port}`);
  socket.end('hola');
  assert.equal(await socket.text(), 'hola');
  raw.close();
});
