import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectWebSocket, type User } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { field, readHead, response } from '../conformance/handshake.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';

/** A server of one's own making; `answer` gets each socket and the key of its handshake. */
async function serve(t: TestContext, answer: (socket: Socket, key: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const listener = createServer(async (socket) => {
    sockets.add(socket);
    const head = await readHead(socket);
    if (head) answer(socket, field(head, 'sec-websocket-key'));
  }).listen(0, '127.0.0.1');
  t.after(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(listener, 'listening');
  return `ws://127.0.0.1:${(listener.address() as { port: number }).port}`;
}

const refusal = (line: string) => `HTTP/1.1 ${line}\r\nContent-Length: 0\r\nLocation: ws://127.0.0.1/\r\n\r\n`;

for (const [what, answer, told] of [
  ['answers garbage', () => 'SSH-2.0-OpenSSH_9.9\r\n', { code: 'HANDSHAKE_FAILED' }],
  ['answers half a status line and ends', () => 'HTTP/1.1 1', { code: /HANDSHAKE_FAILED|CONNECTION_RESET/ }],
  ['answers 200', () => refusal('200 OK'), { code: 'HANDSHAKE_FAILED', message: /200 OK/ }],
  ['answers 301', () => refusal('301 Moved'), { code: 'HANDSHAKE_FAILED', message: /301/ }],
  ['answers 401', () => refusal('401 Unauthorized'), { code: 'HANDSHAKE_FAILED', message: /401/ }],
  ['accepts another key', (key: string) => response(`${key}x`), { code: 'HANDSHAKE_FAILED', message: /Accept/ }],
  [
    'accepts no key',
    (key: string) => response(key, { 'Sec-WebSocket-Accept': undefined }),
    { code: 'HANDSHAKE_FAILED', message: /Accept/ },
  ],
  [
    'upgrades to something else',
    (key: string) => response(key, { Upgrade: 'h2c' }),
    { code: 'HANDSHAKE_FAILED', message: /Upgrade/ },
  ],
  [
    'chooses a subprotocol that was not offered',
    (key: string) => response(key, { 'Sec-WebSocket-Protocol': 'chat' }),
    { code: 'HANDSHAKE_FAILED', message: /chat/ },
  ],
  [
    'chooses an extension that was not offered',
    (key: string) => response(key, { 'Sec-WebSocket-Extensions': 'x-webkit' }),
    { code: 'HANDSHAKE_FAILED' },
  ],
  [
    'chooses windows that do not exist',
    (key: string) => response(key, { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=16' }),
    { code: 'HANDSHAKE_FAILED' },
  ],
  [
    'chooses compression twice',
    (key: string) => response(key, { 'Sec-WebSocket-Extensions': 'permessage-deflate, permessage-deflate' }),
    { code: 'HANDSHAKE_FAILED' },
  ],
  ['hangs up', () => '', { code: /HANDSHAKE_FAILED|CONNECTION_RESET/ }],
] as [string, (key: string) => string, { code: string | RegExp; message?: RegExp }][])
  test(`a server that ${what} gets no client, and the client is told why`, async (t) => {
    const url = await serve(t, (socket, key) => socket.end(answer(key)));
    const error = await connectWebSocket(url).then(
      () => assert.fail('it connected'),
      (error) => error,
    );
    assert.match(error.code, new RegExp(told.code));
    assert.match(error.message, told.message ?? /./);
    assert.ok(error.message.includes(new URL(url).host), error.message);
  });

test('a server that never answers is given up after the timeout', async (t) => {
  const url = await serve(t, () => {});
  await assert.rejects(connectWebSocket(url, { timeout: 50 }), { code: 'TIMEOUT', message: /50 ms/ });
});

test('a server that answers a byte at a time and never ends is given up after the timeout', async (t) => {
  const url = await serve(t, async (socket) => {
    while (!socket.destroyed) {
      socket.write('H');
      await turn();
    }
  });
  await assert.rejects(connectWebSocket(url, { timeout: 50 }), { code: /TIMEOUT|HANDSHAKE_FAILED/ });
});

test('the timeout is over once the connection is open', async (t) => {
  const server = await Recorder.listen(t);
  server.message = (user, message) => user.send(message);
  const client = await connectWebSocket(server.url, { timeout: 200 });
  await once(AbortSignal.timeout(250), 'abort');
  client.send('still here');
  assert.deepEqual(await take(client, 1), ['still here']);
});

test('a signal cancels before, during and after the handshake', async (t) => {
  const server = await Recorder.listen(t);
  await assert.rejects(connectWebSocket(server.url, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  const during = new AbortController();
  server.upgrade = () => {
    during.abort();
    return new Promise(() => {});
  };
  await assert.rejects(connectWebSocket(server.url, { signal: during.signal }), { code: 'ABORTED' });
  server.upgrade = () => {};
  const after = new AbortController();
  const client = await connectWebSocket(server.url, { signal: after.signal });
  after.abort();
  assert.equal((await client.closed).code, 1001);
  assert.deepEqual(await server.next('close'), [1001, 'aborted']);
  assert.equal(server.users.size, 0);
});

test('a signal that outlives many connections collects no listeners', async (t) => {
  const server = await Recorder.listen(t);
  const { signal } = new AbortController();
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  for (let i = 0; i < 20; i++) {
    const client = await connectWebSocket(server.url, { signal });
    client.close();
    await client.closed;
  }
  await turn();
  assert.deepEqual(warnings, []);
});

test('a loop that is left early closes the connection', async (t) => {
  const server = await Recorder.listen(t);
  const client = await connectWebSocket(server.url);
  server.broadcast('one');
  server.broadcast('two');
  for await (const message of client) {
    assert.equal(message, 'one');
    break;
  }
  assert.equal((await client.closed).code, 1000);
  assert.deepEqual(await server.next('close'), [1000, '']);
});

test('a client that does not read slows the server down, and gets everything when it reads', async (t) => {
  const server = await Recorder.listen(t, { compression: false, queueLimit: 256 * 1024 * 1024 });
  const client = await connectWebSocket(server.url);
  const user = (await server.next('connect')) as User;
  const count = 600;
  for (let i = 0; i < count; i++) user.send(`${i} ${'x'.repeat(64 * 1024)}`);
  for (let i = 0; i < 200; i++) await turn();
  assert.ok(user.bufferedAmount > 8 * 1024 * 1024, `${user.bufferedAmount} bytes wait with the server`);
  const numbers = (await take(client, count)).map((message) => Number.parseInt(String(message), 10));
  assert.deepEqual(
    numbers,
    Array.from({ length: count }, (_, i) => i),
  );
  await user.drained();
});

for (const who of ['client', 'server'] as const)
  test(`a ${who} that closes while the client does not read ends the connection cleanly`, async (t) => {
    const server = await Recorder.listen(t, { compression: false });
    const client = await connectWebSocket(server.url);
    const user = (await server.next('connect')) as User;
    for (let i = 0; i < 500; i++) user.send(`${i}`);
    await user.drained();
    for (let i = 0; i < 5; i++) await turn();
    if (who === 'client') {
      client.close(4000);
      assert.equal((await client.closed).code, 4000);
    } else {
      user.close(4000);
      const heard = [];
      for await (const message of client) heard.push(message);
      assert.equal(heard.length, 500);
      assert.equal((await client.closed).code, 4000);
    }
    assert.deepEqual(await server.next('close'), [4000, '']);
  });

for (const [what, bytes, code] of [
  ['a masked frame', Buffer.from('818400000000686f6c61', 'hex'), 1002],
  ['a frame in the same packet as its answer', Buffer.from('8104686f6c61', 'hex'), 1006],
  ['text that is not UTF-8', Buffer.from('8101ff', 'hex'), 1007],
  ['a message over the limit', Buffer.from('827f0000000100000000', 'hex'), 1009],
] as const)
  test(`a server that sends ${what} and ends leaves its client with ${code}`, async (t) => {
    const url = await serve(t, (socket, key) => socket.end(Buffer.concat([Buffer.from(response(key)), bytes])));
    const client = await connectWebSocket(url);
    const heard = [];
    for await (const message of client) heard.push(message);
    const { code: told, error } = await client.closed;
    assert.equal(told, code);
    if (code === 1006) assert.deepEqual(heard, ['hola']);
    else assert.ok(error?.message);
  });

test('a server that never answers the close frame is cut off after closeTimeout', async (t) => {
  const url = await serve(t, (socket, key) => {
    socket.write(response(key));
    socket.resume();
  });
  const client = await connectWebSocket(url, { closeTimeout: 50 });
  client.close();
  assert.equal((await client.closed).code, 1006);
});

test('a server that answers the close frame and keeps the socket is cut off after closeTimeout', async (t) => {
  const gone = new Promise<void>((resolve) => {
    void serve(t, (socket, key) => {
      socket.write(response(key));
      socket
        .resume()
        .once('data', () =>
          socket.write(Buffer.concat([wire.encodeHeader(wire.close(1000), false), Buffer.from([3, 232])])),
        );
      socket.on('close', () => resolve());
    }).then(async (url) => {
      const client = await connectWebSocket(url, { closeTimeout: 50 });
      client.close();
      assert.equal((await client.closed).code, 1000);
    });
  });
  await gone;
});

test('after the closing handshake the client leaves it to the server to end the connection first', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const url = await serve(t, (socket, key) => {
    socket.allowHalfOpen = true;
    socket.write(response(key));
    accepted.resolve(socket);
  });
  const client = await connectWebSocket(url);
  const socket = await accepted.promise;
  client.close(1000);
  await once(socket.resume(), 'data');
  socket.write(Buffer.concat([wire.encodeHeader(wire.close(1000), false), Buffer.of(3, 232)]));
  assert.equal((await client.closed).code, 1000);
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(socket.readableEnded, false);
  const ended = once(socket, 'end');
  socket.end();
  await ended;
});

test('options that make an invalid handshake are reported to the caller, not thrown at the process', async (t) => {
  const server = await Recorder.listen(t);
  await assert.rejects(connectWebSocket('http://127.0.0.1'), { code: 'UNKNOWN_SCHEME' });
  await assert.rejects(connectWebSocket('nonsense'), { code: 'BAD_ADDRESS' });
  await assert.rejects(connectWebSocket(server.url, { headers: { 'X-Bad': 'a\r\nEvil: b' } }), { code: 'BAD_OPTION' });
  await assert.rejects(connectWebSocket(server.url, { protocols: ['a\nb'] }), { code: 'BAD_OPTION' });
});
