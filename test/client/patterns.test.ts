import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, type Message, ProtocolError, type Subscription } from '../../src/client/index.ts';
import type { StandardSchema } from '../../src/protocol/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

/** What a subscription tells, in the order in which it tells it. */
// biome-ignore lint/suspicious/noExplicitAny: of any messages, by name or by pattern.
function eventsOf(subscription: Subscription<any, any, any>): unknown[] {
  const events: unknown[] = [];
  subscription.on('message', ({ channel, data }: Message) => events.push([channel, data]));
  subscription.on('gap', (gap) => events.push(gap));
  subscription.on('skip', (skip) => events.push(skip));
  return events;
}

test('a pattern delivers the next messages of all its channels, each with its channel and position', async () => {
  const { hub, client } = setUp();
  hub.publish('sensor:a', 'before');
  const sensors = client.subscribe('sensor:*');
  const messages: Message[] = [];
  sensors.on('message', (message) => messages.push(message));
  await hub.settle();
  assert.equal(sensors.state, 'live');
  hub.publish('sensor:a', 1);
  hub.publish('other', 2);
  hub.publish('sensor:b', 3);
  hub.publish('sensor:a', 4);
  await hub.settle();
  assert.deepEqual(
    messages.map(({ channel, data, position }) => [channel, data, position]),
    [
      ['sensor:a', 1, ['e1', 2]],
      ['sensor:b', 3, ['e1', 1]],
      ['sensor:a', 4, ['e1', 3]],
    ],
  );
  assert.deepEqual(hub.heardOf('sub')[0]?.slice(2), ['sensor:*', {}]);
  assert.equal(sensors.position, undefined);
});

test('several subscriptions to one pattern share one, until the last one ends', async () => {
  const { hub, client } = setUp();
  const [one, other] = [client.subscribe('sensor:*'), client.subscribe('sensor:*')];
  const [first, second] = [eventsOf(one), eventsOf(other)];
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  one.unsubscribe();
  hub.publish('sensor:a', 2);
  await hub.settle();
  other.unsubscribe();
  await hub.settle();
  hub.publish('sensor:a', 3);
  await hub.settle();
  assert.deepEqual(first, [['sensor:a', 1]]);
  assert.deepEqual(second, [...first, ['sensor:a', 2]]);
  assert.equal(hub.heardOf('sub').length, 1);
  assert.deepEqual(hub.line.patterns.size, 0);
});

test('after a loss a pattern reports that messages may be lost, and continues', async () => {
  const { hub, client, comeBack } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  hub.restart();
  hub.publish('sensor:a', 2);
  await comeBack();
  hub.publish('sensor:b', 3);
  hub.publish('sensor:a', 4);
  await hub.settle();
  assert.deepEqual(events, [['sensor:a', 1], { channel: 'sensor:*' }, ['sensor:b', 3], ['sensor:a', 4]]);
});

test('messages that a pattern misses in one channel are reported with their positions', async () => {
  const { hub, client } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  hub.line.say(['ch', 900, 'sensor:a', 'e1', 5]);
  hub.line.say(['m', 900, 6, 'six']);
  hub.line.say(['m', 900, 8, 'eight']);
  hub.line.say(['skip', 900, 10]);
  hub.line.say(['m', 900, 0, 'in no log']);
  hub.line.say(['ch', 901, 'sensor:a', 'e2', 3]);
  await hub.settle();
  assert.deepEqual(events, [
    ['sensor:a', 1],
    { channel: 'sensor:a', have: ['e1', 1], oldest: 6, head: 5, epoch: 'e1' },
    ['sensor:a', 'six'],
    { channel: 'sensor:a', have: ['e1', 6], oldest: 8, head: 7, epoch: 'e1' },
    ['sensor:a', 'eight'],
    { channel: 'sensor:a', from: 9, to: 10 },
    ['sensor:a', 'in no log'],
    { channel: 'sensor:a', have: ['e1', 10], oldest: 4, head: 3, epoch: 'e2' },
  ]);
});

test('a gap that only names the number of a channel is reported to its patterns too, and what follows it is delivered', async () => {
  const { hub, client } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  client.subscribe('sensor:a');
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  hub.tell('sensor:a', (ch) => ['gap', ch, { have: ['e1', 1], oldest: 5, head: 7, epoch: 'e2' }]);
  for (const offset of [7, 8]) hub.tell('sensor:a', (ch) => ['m', ch, offset, offset]);
  await hub.settle();
  assert.deepEqual(events, [
    ['sensor:a', 1],
    { channel: 'sensor:a', have: ['e1', 1], oldest: 8, head: 7, epoch: 'e2' },
    ['sensor:a', 8],
  ]);
});

test('a pattern that comes after the subscription to a channel gets what is published from then on', async () => {
  const { hub, client } = setUp();
  client.subscribe('sensor:a');
  hub.publish('sensor:a', 1);
  await hub.settle();
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  hub.publish('sensor:a', 2);
  await hub.settle();
  hub.tell('sensor:a', (ch) => ['m', ch, 4, 4]);
  await hub.settle();
  assert.deepEqual(events, [
    ['sensor:a', 2],
    { channel: 'sensor:a', have: ['e1', 2], oldest: 4, head: 3, epoch: 'e1' },
    ['sensor:a', 4],
  ]);
});

test('what a channel catches up on is not for a pattern that was subscribed to meanwhile', async () => {
  const { hub, client } = setUp();
  for (let count = 1; count <= 600; count++) hub.publish('sensor:a', count);
  const direct = client.subscribe('sensor:a', { since: ['e1', 0] });
  const loop = direct[Symbol.asyncIterator]();
  await hub.settle();
  assert.equal(direct.state, 'catchingUp');
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  const reading = (async () => {
    for (let count = 1; count <= 600; count++) assert.equal((await loop.next()).value?.data, count);
  })();
  const isLive = () => (direct as { state: string }).state === 'live';
  while (!isLive()) await hub.settle();
  await reading;
  assert.deepEqual(events, []);
  hub.publish('sensor:a', 'new');
  await hub.settle();
  assert.deepEqual(events, [['sensor:a', 'new']]);
});

test('a pattern gets no line twice, no unknown channel number, and no gap where nothing is missing', async () => {
  const { hub, client, errors, states } = setUp();
  const events = eventsOf(client.subscribe('*'));
  await hub.settle();
  hub.line.say(['ch', 900, 'sensor:b', 'e1', 0]);
  hub.line.say(['skip', 900, 3]);
  hub.line.say(['skip', 900, 3]);
  hub.line.say(['m', 900, 4, 'four']);
  hub.line.say(['m', 900, 4, 'four']);
  hub.line.say(['m', 901, 7, 'of whom?']);
  hub.line.say(['skip', 901, 8]);
  hub.line.say(['gap', 901, { have: ['e1', 1], oldest: 5, head: 7, epoch: 'e2' }]);
  hub.line.say(['m', 901, 8, 'of whom?']);
  await hub.settle();
  assert.deepEqual(events, [{ channel: 'sensor:b', from: 1, to: 3 }, ['sensor:b', 'four']]);
  assert.deepEqual([errors, states.at(-1)], [[], 'open']);
});

test('after a loss, a pattern is also told exactly what is missing of a channel with its own subscription', async () => {
  const { hub, client, comeBack } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  client.subscribe('sensor:a');
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  hub.cut();
  for (const data of [2, 3, 4]) hub.publish('sensor:a', data);
  hub.trim('sensor:a', 1);
  await comeBack();
  hub.publish('sensor:a', 5);
  await hub.settle();
  assert.deepEqual(events, [
    ['sensor:a', 1],
    { channel: 'sensor:*' },
    { channel: 'sensor:a', have: ['e1', 1], oldest: 5, head: 4, epoch: 'e1' },
    ['sensor:a', 5],
  ]);
});

test('a channel and a matching pattern both get the message, which was sent once', async () => {
  const { hub, client } = setUp();
  const all = eventsOf(client.subscribe('sensor:*'));
  const also = eventsOf(client.subscribe('*:a'));
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  // What it asks for of the past is new to it alone.
  const direct = client.subscribe('sensor:a', { since: ['e1', 0] });
  const own = eventsOf(direct);
  await hub.settle();
  hub.publish('sensor:a', 2);
  await hub.settle();
  direct.unsubscribe();
  hub.publish('sensor:a', 3);
  await hub.settle();
  hub.publish('sensor:a', 4);
  await hub.settle();
  const messages = [1, 2, 3, 4].map((data) => ['sensor:a', data]);
  assert.deepEqual([all, also, own], [messages, messages, messages.slice(0, 2)]);
});

test('a pattern gets the messages in flight of a channel that was subscribed and unsubscribed at once', async () => {
  const { hub, client } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  const direct = client.subscribe('sensor:a');
  await hub.settle();
  hub.publish('sensor:a', 1);
  direct.unsubscribe();
  await hub.settle();
  hub.publish('sensor:a', 2);
  await hub.settle();
  assert.deepEqual(events, [
    ['sensor:a', 1],
    ['sensor:a', 2],
  ]);
});

test('a later pattern is not told of earlier gaps', async () => {
  const { hub, client } = setUp();
  const direct = client.subscribe('sensor:a');
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  direct.unsubscribe();
  await hub.settle();
  hub.publish('sensor:a', 2);
  const events = eventsOf(client.subscribe('sensor:*'));
  await hub.settle();
  hub.publish('sensor:a', 3);
  await hub.settle();
  assert.deepEqual(events, [['sensor:a', 3]]);
});

test("a channel's own subscription continues after a loss where it was, and gives the pattern nothing twice", async () => {
  const { hub, client, comeBack } = setUp();
  const events = eventsOf(client.subscribe('sensor:*'));
  const own = eventsOf(client.subscribe('sensor:a'));
  await hub.settle();
  hub.publish('sensor:a', 1);
  await hub.settle();
  hub.cut();
  hub.publish('sensor:a', 2);
  await comeBack();
  assert.deepEqual(own, [
    ['sensor:a', 1],
    ['sensor:a', 2],
  ]);
  assert.deepEqual(events, [['sensor:a', 1], { channel: 'sensor:*' }, ['sensor:a', 2]]);
});

test('a slow loop over a pattern reports what it drops, and queues a limited number', async () => {
  const { hub, client } = setUp();
  const sensors = client.subscribe('sensor:*');
  const gaps: unknown[] = [];
  sensors.on('gap', ({ channel }) => gaps.push(channel));
  const loop = sensors[Symbol.asyncIterator]();
  const first = loop.next();
  const others: unknown[] = [];
  client.subscribe('sensor:*').on('message', ({ data }) => others.push(data));
  await hub.settle();
  for (let count = 1; count <= 3_000; count++) hub.publish('sensor:a', count);
  await hub.settle();
  assert.equal(sensors.state, 'catchingUp');
  assert.equal(others.length, 3_000, 'it holds up no other listener');
  assert.equal((await first).value?.data, 1);
  for (let count = 2; count <= 2_049; count++) assert.equal((await loop.next()).value?.data, count);
  await hub.settle();
  assert.equal(sensors.state, 'live');
  hub.publish('sensor:a', 'after');
  await hub.settle();
  assert.deepEqual(gaps, ['sensor:*']);
  assert.equal((await loop.next()).value?.data, 'after');
});

test('publishing to a pattern is refused, and a refused pattern ends', async () => {
  const { hub, client } = setUp();
  const sensors = client.subscribe('sensor:*');
  await assert.rejects(sensors.publish(1 as never), withCode('BAD_CHANNEL'));
  await assert.rejects(client.publish('sensor:*', 1), withCode('BAD_CHANNEL'));
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'NOT_OFFERED', 'no patterns here'] : undefined);
  const errors: Error[] = [];
  sensors.on('error', (error) => errors.push(error));
  await hub.settle();
  assert.deepEqual([sensors.state, errors.map(({ message }) => message)], ['ended', ['no patterns here']]);
});

test('the contract types the messages of a pattern', () => {
  type Agreed = { channels: { 'sensor:*': StandardSchema<string, number> } };
  const { hub } = setUp();
  const client = new Client<Agreed>('ws://hub/', { WebSocket: hub.WebSocket });
  client.subscribe('sensor:*').on('message', ({ data }) => data satisfies number);
  client.subscribe('sensor:kitchen:*').on('message', ({ data }) => data satisfies number);
  client
    .subscribe('sensor:*')
    .on('gap', ({ have }) => have satisfies [string, number] | readonly unknown[] | undefined);
  // @ts-expect-error: nothing can be published to a pattern.
  const publish = () => client.subscribe('sensor:*').publish('21.5');
  assert.ok(publish);
  client.close();
});

test('over real sockets: a pattern, and one of its channels beside it', { timeout: 30_000 }, async (t) => {
  const { hub, url } = await serveHub(t, { channels: { 'sensor:*': { patterns: true } } });
  const client = new Client(url);
  t.after(() => client.close());
  const sensors = client.subscribe('sensor:*');
  const events = eventsOf(sensors);
  await new Promise<void>((resolve) => sensors.on('state', (state) => state === 'live' && resolve()));
  await hub.publish('sensor:a', 1);
  const direct = client.subscribe('sensor:a', { since: [(await hub.history('sensor:a')).epoch, 0] });
  const own = eventsOf(direct);
  await new Promise<void>((resolve) => direct.on('live', () => resolve()));
  await hub.publish(['sensor:a', 'sensor:b'], 2);
  const came = new Promise<void>((resolve) => direct.on('message', ({ data }) => data === 3 && resolve()));
  await direct.publish(3);
  await came;
  direct.unsubscribe();
  const last = new Promise<void>((resolve) => sensors.on('message', ({ data }) => data === 4 && resolve()));
  await client.publish('sensor:a', 4);
  await last;
  const ofA = (subscription: unknown[]) => subscription.filter((event) => (event as unknown[])[0] !== 'sensor:b');
  const messages = [1, 2, 3, 4].map((data) => ['sensor:a', data]);
  assert.deepEqual([ofA(events), own], [messages, messages.slice(0, 3)]);
  assert.equal(events.length, 5);
});
