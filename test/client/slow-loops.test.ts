import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { until } from '../support/until.ts';
import { setUp } from './set-up.ts';

const COUNT = 2_000;

/** A channel with many messages, and a loop that reads the first one, and then nothing. */
async function withSlowLoop() {
  const { hub, client, ...rest } = setUp();
  for (let count = 1; count <= COUNT; count++) hub.publish('chat:42', count);
  const chat = client.subscribe<number>('chat:42', { since: ['e1', 0], member: 'Ana' });
  const loop = chat[Symbol.asyncIterator]();
  const first = loop.next();
  await hub.settle();
  assert.equal((await first).value?.data, 1);
  await hub.settle();
  assert.equal(chat.state, 'catchingUp');
  return { hub, client, chat, loop, ...rest };
}

test('listeners beside a loop that stands still while catching up get the rest at once', async () => {
  const { hub, chat } = await withSlowLoop();
  const heard: number[] = [];
  chat.on('message', ({ data }) => heard.push(data));
  await hub.settle();
  assert.deepEqual([heard.at(-1), heard.length], [COUNT, COUNT - heard[0]! + 1]);
  assert.deepEqual(hub.heardOf('un'), []);
});

test('a second loop, and a second subscription, do not wait for a loop that stands still', async () => {
  const { hub, client, chat, loop } = await withSlowLoop();
  const other = client.subscribe<number>('chat:42', { since: ['e1', COUNT - 5] });
  const heard: number[] = [];
  other.on('message', ({ data }) => heard.push(data));
  const read: number[] = [];
  void (async () => {
    for await (const { data } of chat) read.push(data);
  })();
  await hub.settle();
  assert.deepEqual(heard, [1_996, 1_997, 1_998, 1_999, 2_000]);
  assert.equal(read.at(-1), COUNT);
  for (let count = 2; count <= COUNT; count++) {
    assert.equal((await loop.next()).value?.data, count);
    await hub.settle();
  }
  assert.deepEqual([chat.state, hub.heardOf('sub').length, hub.heardOf('un').length], ['live', 1, 0]);
});

test('over real sockets: a member whose loop stands still while catching up stays, and other channels of the page go on', {
  timeout: 60_000,
}, async (t) => {
  const { hub, url } = await serveHub(t, {
    linger: 0,
    channels: { '*': { presence: true, history: { size: 10_000 } } },
  });
  const [ana, luis] = [new Client(url), new Client(url)];
  t.after(() => {
    ana.close();
    luis.close();
  });
  for (let count = 1; count <= COUNT; count++) await hub.publish('chat:42', count);
  const { epoch } = await hub.history('chat:42');
  const watch = luis.subscribe('chat:42', { presence: true });
  const left: unknown[] = [];
  watch.on('presence', (event) => event.left && left.push(event.left));
  await until(() => watch.state === 'live', 'live');
  const chat = ana.subscribe<number>('chat:42', { member: 'Ana', since: [epoch, 0] });
  const loop = chat[Symbol.asyncIterator]();
  assert.equal((await loop.next()).value?.data, 1);
  const news: unknown[] = [];
  ana.subscribe('news').on('message', ({ data }) => news.push(data));
  await ana.history('news'); // what is answered later has come later
  for (let count = 1; count <= COUNT; count++) await hub.publish('news', count);
  await until(() => news.length === COUNT, 'the other channel');
  assert.deepEqual([left, hub.presence('chat:42').count, chat.state], [[], 1, 'catchingUp']);
  for (let count = 2; count <= COUNT; count++) assert.equal((await loop.next()).value?.data, count);
  await until(() => chat.state === 'live', 'live at its end');
  assert.deepEqual([left, hub.presence('chat:42').count], [[], 1]);
});
