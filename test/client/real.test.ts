import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Client } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { serveHub } from '../server/hub-peer.ts';

test('over real sockets: two clients talk, the server restarts, and nothing is missing', {
  timeout: 30_000,
}, async (t) => {
  const broker = memory();
  const hub = new Hub({ broker, channels: { 'chat:*': { presence: true } } });
  hub.method('add', (data) => (data as number[]).reduce((sum, term) => sum + term, 0));
  let server = await serve(hub, 'ws://127.0.0.1:0');
  const url = server.addresses[0]!;
  const random = () => 0;
  const ana = new Client(url, { random });
  const luis = new Client(url, { random });
  t.after(async () => {
    ana.close();
    luis.close();
    await server.close();
    await hub.close();
  });
  const seen: unknown[] = [];
  const chat = ana.subscribe('chat:42', { presence: true });
  const loop = (async () => {
    for await (const { data } of chat) {
      seen.push(data);
      if (data === 'last') break;
    }
  })();
  await new Promise((resolve) => chat.on('live', resolve));
  assert.equal(await luis.call('add', [1, 2]), 3);
  const room = luis.subscribe<unknown>('chat:42', { member: { name: 'Luis' } });
  await new Promise<void>((resolve) => chat.on('presence', ({ joined }) => joined && resolve()));
  assert.deepEqual([...chat.presence.values()][0]?.data, { name: 'Luis' });
  const first = await room.publish('before');
  assert.equal(first?.[1], 1);
  await server.close();
  const waiting = Array.from({ length: 100 }, (_, index) => room.publish(index));
  server = await serve(hub, url);
  ana.retryNow();
  luis.retryNow();
  const positions = await Promise.all(waiting);
  assert.deepEqual(
    positions.map((position) => position?.[1]),
    Array.from({ length: 100 }, (_, index) => index + 2),
  );
  await room.publish('last');
  await loop;
  assert.deepEqual(seen, ['before', ...Array(100).keys(), 'last']);
  const page = await room.history({ limit: 2 });
  assert.deepEqual(
    page.messages.map(({ data, mine }) => [data, mine]),
    [
      ['before', true],
      [0, true],
    ],
  );
});

test('over real sockets: data for a user reaches all of their clients, and nobody else', {
  timeout: 30_000,
}, async (t) => {
  const { hub, url } = await serveHub(t, { connect: ({ token }) => (token ? { user: token } : null) });
  const came: [string, unknown][] = [];
  const clients = ['natalia', 'natalia', 'luis'].map((user) => {
    const client = new Client(url, { token: () => user });
    client.on('message', (message) => came.push([user, message]));
    return client;
  });
  t.after(() => {
    for (const client of clients) client.close();
  });
  const all = (channel: string) => Promise.all(clients.map((client) => client.history(channel)));
  await all('chat:42');
  hub.user('natalia').send({ text: 'hola' });
  // What is answered later has come later.
  await all('chat:42');
  assert.deepEqual(came, [
    ['natalia', { text: 'hola' }],
    ['natalia', { text: 'hola' }],
  ]);
});

test('over real sockets: a slow loop misses nothing and stays a member, while another listener gets everything at once', {
  timeout: 30_000,
}, async (t) => {
  const { hub, url } = await serveHub(t, { channels: { '*': { presence: true, history: { size: 10_000 } } } });
  const [ana, luis] = [new Client(url), new Client(url)];
  t.after(() => {
    ana.close();
    luis.close();
  });
  const watch = luis.subscribe<number>('chat:42', { presence: true });
  const left: unknown[] = [];
  watch.on('presence', (event) => event.left && left.push(event.left));
  await new Promise((resolve) => watch.on('live', resolve));
  const slow = ana.subscribe<number>('chat:42', { member: 'Ana' });
  const listened = new Promise<void>((resolve) => slow.on('message', ({ data }) => data === 6_000 && resolve()));
  const loop = slow[Symbol.asyncIterator]();
  const first = loop.next();
  await new Promise((resolve) => slow.on('live', resolve));
  for (let count = 1; count <= 6_000; count++) await hub.publish('chat:42', count);
  await listened;
  assert.equal((await first).value?.data, 1);
  for (let count = 2; count <= 6_000; count++) assert.equal((await loop.next()).value?.data, count);
  assert.deepEqual(left, []);
  assert.equal(hub.presence('chat:42').count, 1);
});

test('over real sockets: as many subscriptions as allowed start within the limits of the daemon', {
  timeout: 60_000,
}, async (t) => {
  const { hub, url } = await serveHub(t, { limits: { requests: 100, bytes: 262_144 } });
  const refused: string[] = [];
  hub.observe({ onRefused: (_, code) => refused.push(code) });
  const client = new Client(url);
  t.after(() => client.close());
  const chats = Array.from({ length: 256 }, (_, n) => client.subscribe(`chat:${n}`));
  const published = Array.from({ length: 100 }, (_, n) => client.publish('chat:0', n));
  await Promise.all(chats.map((chat) => new Promise((resolve) => chat.on('live', resolve))));
  await Promise.all(published);
  assert.deepEqual(refused, []);
});
