import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subscribed } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { type Guest, square } from './fake-wire.ts';

const OPEN = { channels: { '*': { patterns: true } } };

/** What came, as its verb and channel or offset and data. */
function lines(guest: Guest): unknown[] {
  return guest.take().flatMap((line) => {
    if (line.length === 0) return []; // a ping
    if (line[0] === 'ch') return [['ch', line[2], line[4]]];
    return [line[0] === 'm' ? ['m', line[2], line[3]] : line.slice(0, 3)];
  });
}

test('a pattern delivers the next publications of each of its channels, introduced before the first line', async () => {
  const { hub, guest } = await square(OPEN);
  await hub.publish('sensor:a', 'before');
  const ana = await guest();
  assert.deepEqual(await ana.ask('sub', 'sensor:*'), {});
  await hub.publish('sensor:a', 1);
  await hub.publish('sensor:a', 2);
  await hub.publish('other', 0);
  const late = await guest();
  await late.ask('sub', 'sensor:*');
  await hub.publish('sensor:b', 3);
  await hub.publish('sensor:a', 4);
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:a', 1],
    ['m', 2, 1],
    ['m', 3, 2],
    ['ch', 'sensor:b', 0],
    ['m', 1, 3],
    ['m', 4, 4],
  ]);
  assert.deepEqual(lines(late), [
    ['ch', 'sensor:b', 0],
    ['m', 1, 3],
    ['ch', 'sensor:a', 3],
    ['m', 4, 4],
  ]);
  assert.equal(await ana.ask('un', 'sensor:*'), null);
  assert.equal(await ana.ask('un', 'sensor:*'), 'NOT_SUBSCRIBED');
  await hub.publish('sensor:a', 5);
  assert.deepEqual(lines(ana), []);
  assert.deepEqual(lines(late), [['m', 5, 5]]);
});

test('a channel without history loses nothing at its introduction, nor do publications that are not stored', async () => {
  const { hub, guest } = await square({ channels: { '*': { patterns: true, history: false } } });
  const [ana, luis] = [await guest(), await guest()];
  await luis.ask('sub', 'sensor:b'); // open already, and told of by its own watch
  luis.take();
  await ana.ask('sub', 'sensor:*');
  await hub.publish('sensor:a', 1);
  await hub.publish('sensor:b', 2);
  await Promise.all([3, 4].map((data) => hub.publish('sensor:c', data, { keep: false })));
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:a', 0],
    ['m', 1, 1],
    ['ch', 'sensor:b', 0],
    ['m', 1, 2],
    ['ch', 'sensor:c', 0],
    ['m', 0, 3],
    ['m', 0, 4],
  ]);
  assert.deepEqual(luis.publications(), [[1, 2]]);
});

test('a publication arrives once, however many subscriptions match, until the last one ends', async () => {
  const { hub, guest } = await square(OPEN);
  const ana = await guest();
  await ana.ask('sub', 'sensor:*');
  await ana.ask('sub', '*:a');
  assert.equal(await ana.ask('sub', '*:a'), 'ALREADY_SUBSCRIBED');
  await hub.publish('sensor:a', 1);
  const { offset } = (await ana.ask('sub', 'sensor:a')) as Subscribed;
  assert.equal(offset, 1);
  await hub.publish('sensor:a', 2);
  await ana.ask('un', 'sensor:*');
  await hub.publish('sensor:a', 3);
  await ana.ask('un', 'sensor:a');
  await hub.publish('sensor:a', 4);
  await hub.publish('sensor:b', 0);
  await ana.ask('un', '*:a');
  await hub.publish('sensor:a', 5);
  assert.deepEqual([ana.connection.hearing.heard.size, ana.wire.topics.size], [0, 1]); // everyone's
  const got = ana.take().map((line) => (line[0] === 'm' ? line[2] : line[0]));
  // It is introduced at first, and again when only the pattern is left.
  assert.deepEqual(got, ['ch', 1, 'live', 2, 3, 'ch', 4]);
});

test('a pattern that ends leaves another pattern its channels', async () => {
  const { hub, guest } = await square({ channels: { '*': { patterns: true, history: false } } });
  const ana = await guest();
  await ana.ask('sub', 'sensor:*');
  await hub.publish('sensor:a', 1);
  await ana.ask('sub', '*:a');
  await ana.ask('un', 'sensor:*');
  await hub.publish('sensor:a', 2);
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:a', 0],
    ['m', 1, 1],
    ['m', 2, 2],
  ]);
});

test('a pattern is accepted when an entry that allows patterns covers it, and receives only the channels of this entry', async () => {
  const asked: string[] = [];
  const { hub, guest } = await square({
    channels: {
      'sensor:*': {
        patterns: true,
        presence: true,
        subscribe: (_, channel) => {
          asked.push(channel);
          return channel !== 'sensor:x*';
        },
      },
      'sensor:secret:*': {},
      'chat:*': {},
    },
  });
  const ana = await guest();
  assert.equal(await ana.ask('sub', '*'), 'NOT_OFFERED');
  assert.equal(await ana.ask('sub', 'chat:*'), 'NOT_OFFERED');
  assert.equal(await ana.ask('sub', 'sensor:x*'), 'FORBIDDEN');
  assert.equal(await ana.ask('sub', 'sensor:*', { presence: true }), 'NOT_OFFERED');
  assert.equal(await ana.ask('sub', 'sensor:*', { recent: 1 }), 'NOT_OFFERED');
  assert.deepEqual(await ana.ask('sub', 'sensor:*'), {});
  assert.deepEqual(asked, ['sensor:x*', 'sensor:*']);
  ana.take();
  await hub.publish('sensor:secret:1', 'hush');
  await hub.publish('sensor:secret:1', 'hush', { keep: false });
  await hub.publish('sensor:a', 1);
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:a', 0],
    ['m', 1, 1],
  ]);
});

test('rights grant a pattern by one that matches its text', async () => {
  const { guest } = await square({ ...OPEN, connect: () => ({ rights: { subscribe: ['sensor:*'] } }) });
  const ana = await guest();
  assert.equal(await ana.ask('sub', '*'), 'FORBIDDEN');
  assert.deepEqual(await ana.ask('sub', 'sensor:a*'), {});
});

test('the broker watches each pattern once, until its last reader leaves', async () => {
  const watched: string[] = [];
  const { guest } = await square(OPEN, (broker) =>
    Object.assign(Object.create(broker), {
      open: () => broker.open(),
      watch: async (pattern: string, listener: Parameters<typeof broker.watch>[1]) => {
        watched.push(pattern);
        const stop = await broker.watch(pattern, listener);
        return () => {
          watched.push(`no ${pattern}`);
          stop();
        };
      },
    }),
  );
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'sensor:*');
  await luis.ask('sub', 'sensor:*');
  await ana.ask('un', 'sensor:*');
  luis.connection.lost();
  await settle();
  assert.deepEqual(watched, ['sensor:*', 'no sensor:*']);
});

test('a slow reader of a pattern continues from the log, and one without echo gets none', async () => {
  const { hub, guest } = await square(OPEN);
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'sensor:*');
  await luis.ask('sub', 'sensor:*');
  await luis.ask('pub', 'sensor:a', 1, { echo: false });
  assert.deepEqual(lines(luis).slice(0, 1), [['ch', 'sensor:a', 0]]);
  luis.wire.stick();
  luis.connection.slow();
  for (let data = 2; data < 600; data++) await hub.publish('sensor:a', data);
  assert.deepEqual(luis.publications(), []);
  luis.wire.free();
  await settle();
  await hub.publish('sensor:a', 600);
  assert.equal(ana.publications().length, 600);
  const got = luis.publications() as [number, number][];
  assert.deepEqual(
    got.map(([offset]) => offset),
    Array.from({ length: 599 }, (_, index) => index + 2),
  );
});

test('channels that are open for patterns alone are limited, and closed when idle', async () => {
  const { hub, guest, clock } = await square({ ...OPEN, limits: { patternChannels: 3 } });
  const ana = await guest();
  await ana.ask('sub', 'sensor:*');
  for (let number = 0; number < 100; number++) await hub.publish(`sensor:${number}`, number);
  assert.equal(ana.connection.hearing.heard.size, 3);
  assert.equal(ana.take().length, 200);
  await hub.publish('sensor:0', 'again');
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:0', 1],
    ['m', 2, 'again'],
  ]);
  clock.advance(180_000);
  assert.equal(ana.connection.hearing.heard.size, 0);
  await hub.publish('sensor:0', 'once more');
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:0', 2],
    ['m', 3, 'once more'],
  ]);
});

test('an idle channel waits for its slow reader, and one that must close ends the pattern of readers that are behind', async () => {
  const { hub, guest, clock } = await square({ ...OPEN, limits: { patternChannels: 1 } });
  const ana = await guest();
  await ana.ask('sub', 'sensor:*');
  await hub.publish('sensor:a', 1);
  ana.wire.stick();
  ana.connection.slow();
  await hub.publish('sensor:a', 2);
  clock.advance(180_000);
  assert.equal(ana.connection.hearing.heard.size, 1);
  ana.take();
  await hub.publish('sensor:b', 1);
  assert.deepEqual(lines(ana), [['end', 'sensor:*', 'TOO_SLOW']]);
  assert.deepEqual([ana.connection.hearing.heard.size, ana.connection.hearing.patterns.size], [0, 0]);
});

test('too many different patterns are refused, and a connection counts its patterns among its subscriptions', async () => {
  const { guest } = await square({ ...OPEN, limits: { patterns: 2, subscriptions: 2 } });
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'a*');
  await ana.ask('sub', 'b*');
  assert.equal(await ana.ask('sub', 'c*'), 'TOO_MANY_SUBSCRIPTIONS');
  assert.equal(await luis.ask('sub', 'c*'), 'UNAVAILABLE');
  assert.deepEqual(await luis.ask('sub', 'b*'), {});
});

test('the server can end a pattern subscription, and the client is told', async () => {
  const { hub, guest } = await square(OPEN);
  const ana = await guest();
  await ana.ask('sub', 'sensor:*');
  assert.equal(ana.connection.unsubscribe('sensor:*'), true);
  await hub.publish('sensor:a', 1);
  assert.deepEqual(lines(ana), [['end', 'sensor:*', 'CLOSED']]);
});

test('a client that leaves during a slow permission check for a pattern leaves nothing behind', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { hub, guest } = await square({ channels: { '*': { patterns: true, subscribe: () => promise } } });
  const [ana, luis] = [await guest(), await guest()];
  ana.say(['sub', 7, 'sensor:*', {}], ['un', 8, 'sensor:*']);
  luis.say(['sub', 7, 'sensor:*', {}]);
  luis.connection.lost();
  resolve(true);
  await settle();
  assert.deepEqual(
    ana.wire.got.map((line) => line[0]),
    ['ok', 'ok'],
  );
  await hub.publish('sensor:a', 1);
  for (const one of [ana, luis]) assert.deepEqual([one.take(), one.connection.hearing.heard.size], [[], 0]);
});

test('an idle channel that its own subscribers keep open is introduced again to readers of a pattern', async () => {
  const { hub, guest, clock } = await square(OPEN);
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'sensor:*');
  await luis.ask('sub', 'sensor:a');
  await hub.publish('sensor:a', 1);
  clock.advance(180_000);
  lines(ana);
  await hub.publish('sensor:a', 2);
  assert.deepEqual(lines(ana), [
    ['ch', 'sensor:a', 1],
    ['m', 2, 2],
  ]);
});

test('a key used by one user is free for others, by a pattern too', async () => {
  const { guest } = await square({ ...OPEN, connect: ({ token }) => ({ user: token! }) });
  const [ana, luis] = [await guest({ token: 'ana' }), await guest({ token: 'luis' })];
  await ana.ask('sub', 'sensor:*');
  await ana.ask('pub', 'sensor:a', 1, { key: 'k' });
  assert.equal(await luis.publish('sensor:a', 2, { key: 'k' }), 2);
  assert.deepEqual(ana.publications(), [
    [1, 1],
    [2, 2],
  ]);
});
