import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { dial, readHead, request } from '../conformance/handshake.ts';
import { Recorder, take } from '../support/recorder.ts';

async function withHttp(t: TestContext) {
  const http = createServer((_request, response) => response.end('a page')).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close().closeAllConnections());
  const { port } = http.address() as { port: number };
  return { http, port, url: `ws://127.0.0.1:${port}` };
}

test('two servers on one HTTP server each get their own users, and one outlives the other', async (t) => {
  const { http, url } = await withHttp(t);
  const chat = await Recorder.listen(t, {}, { server: http, path: '/chat' });
  const news = await Recorder.listen(t, {}, { server: http, path: '/news' });
  const chatter = await connectWebSocket(`${url}/chat`);
  const reader = await connectWebSocket(`${url}/news?x=/chat`);
  chat.broadcast('chat');
  news.broadcast('news');
  assert.deepEqual(await take(chatter, 1), ['chat']);
  assert.deepEqual(await take(reader, 1), ['news']);
  await chat.close();
  assert.equal((await chatter.closed).code, 1001);
  await assert.rejects(connectWebSocket(`${url}/chat`), { message: /404/ });
  news.broadcast('still here');
  assert.deepEqual(await take(reader, 1), ['still here']);
  await news.close();
  assert.equal(http.listenerCount('upgrade'), 0);
});

test('when an HTTP server closes, its WebSockets continue, and no new ones are accepted', async (t) => {
  const { http, url } = await withHttp(t);
  const server = await Recorder.listen(t, {}, { server: http });
  server.message = (user, message) => user.send(message);
  const client = await connectWebSocket(url);
  http.close();
  http.closeAllConnections();
  client.send('still here');
  assert.deepEqual(await take(client, 1), ['still here']);
  await assert.rejects(connectWebSocket(url), { code: 'CONNECTION_REFUSED' });
  await server.close();
  assert.equal((await client.closed).code, 1001);
});

test("another listener's upgrades are left to it, and ours are handled by us", async (t) => {
  const { http, port, url } = await withHttp(t);
  http.on('upgrade', (asked, socket: Duplex) => {
    if (asked.url === '/theirs') socket.end('HTTP/1.1 299 Theirs\r\nContent-Length: 0\r\n\r\n');
  });
  const server = await Recorder.listen(t, {}, { server: http, path: '/ours' });
  const client = await connectWebSocket(`${url}/ours`);
  server.broadcast('hola');
  assert.deepEqual(await take(client, 1), ['hola']);
  const socket = await dial(port);
  socket.write(request({}, 'GET /theirs HTTP/1.1'));
  assert.match((await readHead(socket))!.line, / 299 Theirs/);
  assert.equal(server.users.size, 1);
});

test('a server may be closed and another attached in its place, at once', async (t) => {
  const { http, url } = await withHttp(t);
  const first = await Recorder.listen(t, {}, { server: http, path: '/chat' });
  const old = await connectWebSocket(`${url}/chat`);
  const closing = first.close();
  const second = await Recorder.listen(t, {}, { server: http, path: '/chat' });
  const client = await connectWebSocket(`${url}/chat`);
  second.broadcast('hola');
  assert.deepEqual(await take(client, 1), ['hola']);
  await closing;
  assert.equal((await old.closed).code, 1001);
  assert.equal(second.users.size, 1);
});

test('pages are served as before while a server is attached, and after', async (t) => {
  const { http, port } = await withHttp(t);
  const page = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
  const server = await Recorder.listen(t, {}, { server: http });
  assert.equal(await page(), 'a page');
  await server.close();
  assert.equal(await page(), 'a page');
});
