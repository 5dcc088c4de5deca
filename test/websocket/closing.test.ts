import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { test } from 'node:test';
import { connectWebSocket, type User } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { dial, readHead, request } from '../conformance/handshake.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Friend } from '../support/friend.ts';
import { portOf, RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

test('a peer that never answers the close frame is cut off after closeTimeout, with 1006', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, closeTimeout: 5000 });
  const raw = await RawClient.open(server.url);
  const user = (await server.next('connect')) as User;
  user.close(4000, 'adiós');
  const frame = await raw.next();
  assert.deepEqual(frame?.payload, Buffer.concat([Buffer.of(4000 >> 8, 4000 & 255), Buffer.from('adiós')]));
  clock.advance(4000);
  raw.send(wire.text('a message is no answer'), wire.ping());
  await turn();
  assert.equal(server.users.size, 1);
  clock.advance(1000);
  assert.equal(await raw.next(), undefined);
  assert.equal(((await server.next('close')) as [number])[0], 1006);
});

test('a peer that answers the close frame but keeps its socket is cut off after closeTimeout too', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, closeTimeout: 5000 });
  const socket = await dial(portOf(server.url));
  socket.allowHalfOpen = true;
  const head = readHead(socket);
  socket.write(
    Buffer.concat([Buffer.from(request()), Buffer.from('888200000000', 'hex'), Buffer.of(4000 >> 8, 4000 & 255)]),
  );
  await head;
  assert.deepEqual(await server.next('close'), [4000, '']);
  socket.resume();
  await once(socket, 'end');
  // The server's own half is over; the peer's is not, and goes with a reset or an end when the time is up.
  clock.advance(5000);
  await server.close();
  socket.destroy();
});

test('messages after our close frame are ignored, and both sides report the agreed code', async (t) => {
  const server = await Recorder.listen(t);
  const raw = await RawClient.open(server.url);
  const user = (await server.next('connect')) as User;
  server.message = () => assert.fail('heard');
  user.close(4000);
  raw.send(wire.text('too late'), wire.close(4000));
  assert.deepEqual(await server.next('close'), [4000, '']);
  assert.equal(await raw.code(), 4000);
  assert.deepEqual(server.errors, []);
});

test('a server closes cleanly with users of every kind, and cuts off the rest at the deadline', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, queueLimit: 64 * 1024, queuePolicy: 'drop', pingInterval: 0 });
  const friend = await Friend.join(server);
  const silent = await RawClient.open(server.url);
  await server.next('connect');
  const deaf = await RawClient.open(server.url, { deaf: true });
  const deafUser = (await server.next('connect')) as User;
  const isFull = () => {
    if (deafUser.bufferedAmount > 64 * 1024) return true;
    deafUser.send(Buffer.alloc(64 * 1024));
    return false;
  };
  await until(isFull, 'the queue of the deaf one is full');
  const undecided = await dial(portOf(server.url));
  const asked = new Promise<void>((tell) => {
    server.upgrade = () => {
      tell();
      return new Promise(() => {});
    };
  });
  undecided.write(request());
  await asked;
  const half = await dial(portOf(server.url));
  half.write('GET / HTTP/1.1\r\nHost: x\r\nUpgr');
  const idle = await dial(portOf(server.url));
  idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await readHead(idle);

  const closed = server.close({ grace: 5000 });
  await assert.rejects(connectWebSocket(server.url), { code: 'CONNECTION_REFUSED' });
  assert.deepEqual(await friend.client.closed, { code: 1001, reason: 'the server is going away', error: null });
  assert.equal((await silent.next())?.opcode, wire.CLOSE);
  clock.advance(5000);
  await closed;
  assert.equal(server.users.size, 0);
  for (const socket of [undecided, half, idle, silent.socket]) {
    socket.on('error', () => {}).resume();
    if (!socket.closed) await once(socket, 'close');
  }
  deaf.socket.destroy();
  clock.advance(60_000);
  assert.equal(clock.pending, 0);
});

test('a server with only well-behaved users is closed as soon as they have answered', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock });
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectWebSocket(server.url)));
  // The hands of the clock do not move: nothing waits for a deadline.
  await server.close();
  for (const client of clients) assert.equal((await client.closed).code, 1001);
  await assert.rejects(connectWebSocket(server.url), { code: 'CONNECTION_REFUSED' });
});

test('closing twice is the same as closing once; nothing after it throws', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const [user] = server.users;
  await Promise.all([server.close(), server.close()]);
  await server.close();
  server.broadcast('nobody');
  server.publish('nobody', 'hears');
  assert.equal(user!.send('you are gone'), false);
  user!.subscribe('x');
  user!.unsubscribe('x');
  user!.ping();
  user!.close();
  user!.terminate();
  await user!.drained();
  assert.equal((await friend.client.closed).code, 1001);
});

test('a server that is closed while it starts does not listen', async (t) => {
  const server = new Recorder('ws://127.0.0.1:0');
  t.after(() => server.close());
  const listening = server.listen();
  await server.close();
  await listening;
  assert.deepEqual(server.addresses, []);
});

test('what was sent and published before close() still arrives, in order, big and compressed as well', async (t) => {
  const server = await Recorder.listen(t);
  const client = await connectWebSocket(server.url);
  const [user] = server.users;
  const big = 'mesa '.repeat(100_000);
  user!.send('one');
  server.broadcast('two');
  user!.send(big);
  server.broadcast('four');
  void server.close();
  const heard = [];
  for await (const message of client) heard.push(message);
  assert.deepEqual(heard, ['one', 'two', big, 'four']);
  assert.equal((await client.closed).code, 1001);
});

test('an attached server that closes leaves its HTTP server and a request of it alone', async (t) => {
  const http = createServer((_request, response) => void finish.then(() => response.end('a page'))).listen(
    0,
    '127.0.0.1',
  );
  const { promise: finish, resolve } = Promise.withResolvers<void>();
  await once(http, 'listening');
  t.after(() => http.close());
  const { port } = http.address() as { port: number };
  const server = await Recorder.listen(t, {}, { server: http });
  const client = await connectWebSocket(`ws://127.0.0.1:${port}`);
  const answered = once(get({ port, agent: false }), 'response');
  await once(http, 'request');
  await server.close();
  assert.equal((await client.closed).code, 1001);
  resolve();
  const [answer] = await answered;
  assert.equal(answer.statusCode, 200);
  answer.resume();
});
