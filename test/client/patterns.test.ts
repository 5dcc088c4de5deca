import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Client, type Message, ProtocolError, type Subscription } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import type { StandardSchema } from '../../src/protocol/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
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

test('a pattern brings what comes next in all its channels, each message with its channel and position', async () => {
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

test('several subscriptions to one pattern share one, until the last is given up', async () => {
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

test('after a loss a pattern says that something may be lost, and goes on with what comes next', async () => {
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

test('what a pattern misses in one channel is said with its positions', async () => {
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

test('a channel and a pattern that matches it both get the message, which came once', async () => {
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

test('a pattern gets what a channel that was asked for and taken back at once brings on the way', async () => {
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

test('a pattern that comes later is told of no gap that was before it', async () => {
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

test('a channel of its own goes on after a loss where it was, and brings the pattern nothing twice', async () => {
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

test('a loop over a pattern that is slow says what it lets go, and holds no more than so many', async () => {
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

test('to a pattern nothing can be published, and one that the server refuses is over', async () => {
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

test('the contract types what a pattern brings', () => {
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
  const hub = new Hub({ broker: memory(), channels: { 'sensor:*': { patterns: true } } });
  const server = await serve(hub, 'ws://127.0.0.1:0');
  const client = new Client(server.addresses[0]!);
  t.after(async () => {
    client.close();
    await server.close();
    await hub.close();
  });
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
