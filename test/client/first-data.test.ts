import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client, type Subscription } from '../../src/client/index.ts';
import type { ChannelOptions } from '../../src/hub/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { until } from '../support/until.ts';

/** A server whose channels have this function, and a client of it. */
async function setUp(t: TestContext, subscribe: NonNullable<ChannelOptions['subscribe']>) {
  const { hub, url } = await serveHub(t, { channels: { '*': { subscribe, patterns: true, presence: true } } });
  const client = new Client(url, { random: () => 0 });
  t.after(() => client.close());
  return { hub, client };
}

/** The events of a subscription, by name, with what it had then. */
function heard(subscription: Subscription): unknown[] {
  const events: unknown[] = [];
  subscription.on('subscribed', (data) => events.push(['subscribed', data, subscription.data]));
  subscription.on('message', ({ data }) => events.push(['message', data]));
  return events;
}

test('a subscription has the first data before its first message, and anew after each reconnect', async (t) => {
  let answers = 0;
  const { hub, client } = await setUp(t, (_who, channel) => ({ data: { channel, answer: ++answers } }));
  const chat = client.subscribe('chat:42', { recent: 1 });
  assert.equal(chat.data, undefined);
  await hub.publish('chat:42', 'hola');
  const events = heard(chat);
  await until(() => events.length === 2, 'the first data and the message are there');
  const first = { channel: 'chat:42', answer: 1 };
  assert.deepEqual(events.splice(0), [
    ['subscribed', first, first],
    ['message', 'hola'],
  ]);
  hub.connections[0]!.end('UNAVAILABLE');
  await until(() => events.length === 1, 'it has subscribed again');
  const second = { channel: 'chat:42', answer: 2 };
  assert.deepEqual(events, [['subscribed', second, second]]);
  assert.deepEqual(chat.data, second);
});

test('a second subscription to the channel has the first data at once', async (t) => {
  const { client } = await setUp(t, () => ({ data: null }));
  const chat = client.subscribe('chat:42');
  await until(() => chat.state === 'live', 'it is live');
  assert.equal(client.subscribe('chat:42').data, null);
});

test('a pattern has first data too', async (t) => {
  const { client } = await setUp(t, (_who, channel) => ({ data: channel }));
  const all = client.subscribe('chat:*');
  await until(() => all.state === 'live', 'it is live');
  assert.equal(all.data, 'chat:*');
});

test('where the server has no first data, the event comes without', async (t) => {
  const { client } = await setUp(t, () => true);
  const events = heard(client.subscribe('chat:42'));
  await until(() => events.length === 1, 'it is subscribed');
  assert.deepEqual(events, [['subscribed', undefined, undefined]]);
});

test('who unsubscribes at the first data gets nothing more', async (t) => {
  const { hub, client } = await setUp(t, () => ({ data: 'first' }));
  const chat = client.subscribe('chat:42');
  const events = heard(chat);
  chat.on('subscribed', () => chat.unsubscribe());
  await until(() => chat.state === 'ended', 'it has ended');
  await client.publish('chat:42', 'hola');
  await until(() => hub.subscribers('chat:42') === 0, 'the server has heard of it');
  assert.deepEqual(events, [['subscribed', 'first', 'first']]);
});
