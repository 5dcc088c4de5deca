import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { connectWebSocket, type Message, type User, WebSocketServer } from '../../src/websocket/index.ts';
import { Recorder, take } from '../support/recorder.ts';

test('messages work in both directions, as text or bytes, and the closing handshake ends it on both sides', async (t) => {
  const server = await Recorder.listen(t);
  const client = await connectWebSocket(server.url);
  client.send('hola');
  assert.equal(await server.next('message'), 'hola');
  client.send(new Uint8Array([1, 2, 3]));
  assert.deepEqual(await server.next('message'), Buffer.of(1, 2, 3));
  const [user] = server.users;
  user!.send('ñandú 🎉');
  user!.send(Buffer.of(9));
  assert.deepEqual(await take(client, 2), ['ñandú 🎉', Buffer.of(9)]);
  client.close(4001, 'adiós');
  assert.deepEqual(await server.next('close'), [4001, 'adiós']);
  assert.deepEqual(await client.closed, { code: 4001, reason: '', error: null });
  assert.equal(server.users.size, 0);
});

test('a broadcast reaches everyone but the excluded user, in order with direct messages', async (t) => {
  const server = await Recorder.listen(t);
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(server.url)));
  const [first, second] = [...server.users];
  server.broadcast('1');
  second!.send('2, to the second');
  server.broadcast('3, not to the first', { except: first! });
  first!.send('4, to the first');
  server.broadcast('5');
  const got = await Promise.all([take(clients[0]!, 3), take(clients[1]!, 4), take(clients[2]!, 3)]);
  assert.deepEqual(got, [
    ['1', '4, to the first', '5'],
    ['1', '2, to the second', '3, not to the first', '5'],
    ['1', '3, not to the first', '5'],
  ]);
});

test('publications to several topics arrive in the order in which they were made', async (t) => {
  const server = await Recorder.listen(t);
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(server.url)));
  const [both, onlyA, alsoBoth] = [...server.users];
  for (const user of [both!, alsoBoth!, onlyA!]) user.subscribe('a');
  for (const user of [both!, alsoBoth!]) user.subscribe('b');
  server.publish('a', 'a1');
  server.publish('b', 'b1');
  server.publish('a', 'a2');
  both!.unsubscribe('a');
  server.publish('a', 'a3');
  server.publish('b', 'b2');
  server.publish('nobody hears', 'this');
  for (const user of server.users) user.send('end');
  const got = await Promise.all([take(clients[0]!, 5), take(clients[1]!, 4), take(clients[2]!, 6)]);
  assert.deepEqual(got, [
    ['a1', 'b1', 'a2', 'b2', 'end'],
    ['a1', 'a2', 'a3', 'end'],
    ['a1', 'b1', 'a2', 'a3', 'b2', 'end'],
  ]);
  assert.deepEqual(both!.topics, ['b']);
});

test('a user who subscribes after a publication of the same turn does not get it', async (t) => {
  const server = await Recorder.listen(t);
  const client = await connectWebSocket(server.url);
  const [user] = server.users;
  server.users.values().next().value!.subscribe('other');
  server.broadcast('before');
  server.publish('topic', 'not heard');
  user!.subscribe('topic');
  server.publish('topic', 'heard');
  assert.deepEqual(await take(client, 2), ['before', 'heard']);
});

test("onUpgrade refuses with a status, chooses a subprotocol and attaches the user's data", async (t) => {
  const server = await Recorder.listen(t, { protocols: ['one', 'two'] });
  server.upgrade = async (request) => {
    if (request.query.get('room') === null) return { refuse: 402, reason: 'No room' };
    return request.protocols.length > 1 ? { data: { room: request.query.get('room') } } : { protocol: 'one' };
  };
  await assert.rejects(connectWebSocket(server.url), { code: 'HANDSHAKE_FAILED', message: /402/ });
  const client = await connectWebSocket(`${server.url}/?room=42`, { protocols: ['two', 'one'] });
  assert.equal(client.protocol, 'two');
  const [user] = server.users;
  assert.deepEqual(user!.data, { room: '42' });
  assert.equal(user!.protocol, 'two');
  assert.equal(user!.request.path, '/');
  assert.match(user!.remoteAddress, /127\.0\.0\.1|::1/);
  assert.match(user!.id, /^[0-9a-f-]{36}$/);
  client.close();
});

test('a hook that throws, or whose promise is rejected, closes its own user with 1011 and affects nobody else', async (t) => {
  const server = await Recorder.listen(t);
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => connectWebSocket(server.url)));
  server.message = (_user, message) => {
    if (message === 'throw') throw new Error('thrown');
    if (message === 'reject') return Promise.reject(new Error('rejected'));
  };
  one!.send('throw');
  two!.send('reject');
  assert.equal((await one!.closed).code, 1011);
  assert.equal((await two!.closed).code, 1011);
  assert.deepEqual(
    server.errors.map((error) => [error.code, (error.cause as Error).message]),
    [
      ['HOOK_FAILED', 'thrown'],
      ['HOOK_FAILED', 'rejected'],
    ],
  );
  server.broadcast('still here');
  assert.deepEqual(await take(three!, 1), ['still here']);
});

test('a server attached to an HTTP server handles its path, leaves the rest, and does not close the HTTP server', async (t) => {
  const http = createServer((_request, response) => response.end('a page')).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close());
  const port = (http.address() as { port: number }).port;
  const chat = await Recorder.listen(t, {}, { server: http, path: '/chat' });
  const news = await Recorder.listen(t, {}, { server: http, path: '/news' });
  const client = await connectWebSocket(`ws://127.0.0.1:${port}/chat?x=1`);
  await connectWebSocket(`ws://127.0.0.1:${port}/news`);
  assert.equal(chat.users.size, 1);
  assert.equal(news.users.size, 1);
  await assert.rejects(connectWebSocket(`ws://127.0.0.1:${port}/nowhere`), { message: /404/ });
  await chat.close();
  assert.equal((await client.closed).code, 1001);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'a page');
});

test('localhost is both loopback addresses, on one port', async (t) => {
  const server = await Recorder.listen(t, {}, 'ws://localhost:0');
  for (const address of server.addresses) (await connectWebSocket(address)).close();
  assert.ok(server.addresses.length >= 1);
  assert.equal(new Set(server.addresses.map((address) => new URL(address).port)).size, 1);
});

test('a plain HTTP request is told that this is a WebSocket server', async (t) => {
  const server = await Recorder.listen(t);
  const response = await fetch(server.url.replace('ws:', 'http:'));
  assert.equal(response.status, 426);
});

test('pages of another origin are refused by default; the same host, loopback development and no origin are accepted', async (t) => {
  const server = await Recorder.listen(t);
  const { port } = new URL(server.url);
  const tryFrom = (origin: string) => connectWebSocket(server.url, { headers: { Origin: origin } });
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1.evil.example:${port}`])
    await assert.rejects(tryFrom(origin), { code: 'HANDSHAKE_FAILED', message: /403/ }, origin);
  for (const origin of [`http://127.0.0.1:${port}`, 'http://localhost:5173']) (await tryFrom(origin)).close();
  (await connectWebSocket(server.url)).close();
});

test('a full server refuses with 503 until a user leaves', async (t) => {
  const server = await Recorder.listen(t, { maxConnections: 1 });
  const first = await connectWebSocket(server.url);
  await assert.rejects(connectWebSocket(server.url), { message: /503/ });
  first.close();
  await server.next('close');
  (await connectWebSocket(server.url)).close();
});

test('the twelve-line loop over users sends one encoding to all', async (t) => {
  class ChatRoom extends WebSocketServer {
    override onMessage(user: User, message: Message) {
      for (const other of this.users) if (other !== user) other.send(message);
    }
  }
  const room = new ChatRoom('ws://127.0.0.1:0');
  await room.listen();
  t.after(() => room.close());
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(room.addresses[0]!)));
  clients[0]!.send('hola');
  assert.deepEqual(await take(clients[1]!, 1), ['hola']);
  assert.deepEqual(await take(clients[2]!, 1), ['hola']);
});
