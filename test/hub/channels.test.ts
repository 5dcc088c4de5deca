import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subscribed } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

const CHANNEL = 'chat:42';

test('a publication reaches every subscriber once, in order, encoded once for all', async () => {
  const { hub, fanOut, guest } = await square();
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL);
  await luis.ask('sub', CHANNEL);
  fanOut.published = 0;
  const first = await hub.publish(CHANNEL, 'uno');
  const second = await hub.publish(CHANNEL, { dos: 2 });
  assert.deepEqual([first[1], second[1]], [1, 2]);
  assert.equal(fanOut.published, 2);
  for (const one of [ana, luis])
    assert.deepEqual(one.publications(), [
      [1, 'uno'],
      [2, { dos: 2 }],
    ]);
  assert.deepEqual(await luis.ask('un', CHANNEL), null);
  await hub.publish(CHANNEL, 'tres');
  assert.deepEqual(luis.publications(), []);
  assert.deepEqual(ana.publications(), [[3, 'tres']]);
});

test('a publication carries its key, its user and its time, and is acknowledged with its position', async () => {
  const { hub, guest } = await square({ connect: ({ token }) => (token ? { user: token } : null) }, undefined, {
    now: () => 1_700_000_000_000,
  });
  const ana = await guest({ token: 'ana' });
  const { epoch } = (await ana.ask('sub', CHANNEL)) as Subscribed;
  ana.take();
  assert.deepEqual(await ana.ask('pub', CHANNEL, 'hola', { key: 'k1' }), { at: [epoch, 1] });
  const [line] = ana.take();
  assert.deepEqual(line?.slice(2), [1, 'hola', { key: 'k1', user: 'ana', time: 1_700_000_000_000 }]);
  assert.deepEqual(await hub.history(CHANNEL), {
    epoch,
    oldest: 1,
    head: 1,
    entries: [[1, 'hola', { key: 'k1', user: 'ana', time: 1_700_000_000_000 }]],
  });
});

test('a key makes repeating harmless, and cannot be used for other data', async () => {
  const { guest } = await square();
  const ana = await guest();
  await ana.ask('sub', CHANNEL);
  const first = await ana.ask('pub', CHANNEL, 'hola', { key: 'k' });
  assert.deepEqual(await ana.ask('pub', CHANNEL, 'hola', { key: 'k' }), first);
  assert.equal(await ana.ask('pub', CHANNEL, 'adiós', { key: 'k' }), 'KEY_REUSED');
  assert.deepEqual(ana.publications(), [[1, 'hola']]);
});

test('a publisher without echo is told that nothing was missed', async () => {
  const { guest } = await square();
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL);
  await luis.ask('sub', CHANNEL);
  ana.take();
  await ana.ask('pub', CHANNEL, 'hola', { echo: false });
  assert.deepEqual(
    ana.take().map((line) => [line[0], line[2]]),
    [['skip', 1]],
  );
  assert.deepEqual(luis.publications(), [[1, 'hola']]);
  await luis.ask('pub', CHANNEL, 'qué tal');
  assert.deepEqual(ana.publications(), [[2, 'qué tal']]);
});

test('a publication that is not stored reaches the current subscribers, and uses no offset', async () => {
  const { guest, hub } = await square();
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL);
  await luis.ask('sub', CHANNEL);
  ana.take();
  luis.take();
  assert.deepEqual(await ana.ask('pub', CHANNEL, 'typing', { keep: false, echo: false }), {});
  assert.deepEqual(ana.take(), []);
  assert.deepEqual(luis.publications(), [[0, 'typing']]);
  assert.equal((await hub.publish(CHANNEL, 'hola'))[1], 1);
});

test('a subscription with a position gets what came after it, then live publications', async () => {
  const { hub, guest } = await square();
  const [epoch] = await hub.publish(CHANNEL, 1);
  for (const data of [2, 3, 4]) await hub.publish(CHANNEL, data);
  const ana = await guest();
  const { ch, offset } = (await ana.ask('sub', CHANNEL, { at: [epoch, 2] })) as Subscribed;
  assert.equal(offset, 2);
  await hub.publish(CHANNEL, 5);
  assert.deepEqual(
    ana.take().map(([verb, number, offset]) => [verb, number, offset]),
    [
      ['m', ch, 3],
      ['m', ch, 4],
      ['live', ch, 4],
      ['m', ch, 5],
    ],
  );
  const luis = await guest();
  assert.equal(((await luis.ask('sub', CHANNEL, { recent: 2 })) as Subscribed).offset, 3);
  assert.deepEqual(luis.publications(), [
    [4, 4],
    [5, 5],
  ]);
});

test('no more is sent than the credit allows, until the reader is live', async () => {
  const { hub, guest } = await square();
  const [epoch] = await hub.publish(CHANNEL, 1);
  for (const data of [2, 3, 4, 5]) await hub.publish(CHANNEL, data);
  const ana = await guest();
  const { ch } = (await ana.ask('sub', CHANNEL, { at: [epoch, 0], credit: 2 })) as Subscribed;
  const offsets = () => ana.take().map((line) => (line[0] === 'm' ? line[2] : line[0]));
  assert.deepEqual(offsets(), [1, 2]);
  ana.say(['more', ch!, 1]);
  await settle();
  assert.deepEqual(offsets(), [3]);
  ana.say(['more', ch!, 2]);
  await settle();
  assert.deepEqual(offsets(), [4, 5, 'live']);
  await hub.publish(CHANNEL, 6);
  assert.deepEqual(offsets(), [6]);
});

test('a gap is reported when publications after the position are gone or the log is another; a future position is refused', async () => {
  const { hub, broker, guest } = await square({ channels: { '*': { history: { size: 2 } } } });
  const [epoch] = await hub.publish(CHANNEL, 1);
  for (const data of [2, 3, 4]) await hub.publish(CHANNEL, data);
  const ana = await guest();
  const { ch, offset } = (await ana.ask('sub', CHANNEL, { at: [epoch, 1] })) as Subscribed;
  assert.equal(offset, 4);
  assert.deepEqual(ana.take(), [
    ['gap', ch, { have: [epoch, 1], oldest: 3, head: 4, epoch }],
    ['live', ch, 4],
  ]);
  const luis = await guest();
  assert.equal(await luis.ask('sub', CHANNEL, { at: [epoch, 5] }), 'BAD_POSITION');
  await luis.ask('sub', CHANNEL, { at: ['another', 1] });
  const [gap] = luis.take();
  assert.deepEqual(gap?.[2], { have: ['another', 1], oldest: 3, head: 4, epoch });
  // The log is lost while people are here: they are told with the next publication.
  await broker.forget(CHANNEL);
  await hub.publish(CHANNEL, 'new');
  await settle();
  for (const one of [ana, luis]) assert.equal(one.take()[0]?.[0], 'gap');
  await hub.publish(CHANNEL, 'newer');
  for (const one of [ana, luis]) assert.deepEqual(one.publications(), [[2, 'newer']]);
});

test('a slow reader is sent nothing, then gets everything from the log, and is live again', async () => {
  const { hub, guest } = await square();
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL);
  await luis.ask('sub', CHANNEL);
  await hub.publish(CHANNEL, 1);
  luis.wire.stick();
  luis.connection.slow();
  for (const data of [2, 3, 4]) await hub.publish(CHANNEL, data);
  assert.deepEqual(luis.publications(), [[1, 1]]);
  assert.equal(ana.publications().length, 4);
  luis.wire.free();
  await settle();
  await hub.publish(CHANNEL, 5);
  assert.deepEqual(
    luis.take().map((line) => line[2]),
    [2, 3, 4, 5],
  );
});

for (const [slow, skips, rest] of [
  ['drop', [4], [5]],
  ['latest', [3], [4, 5]],
] as const)
  test(`a slow reader under the policy ${slow} is told what it is not sent`, async () => {
    const { hub, guest } = await square({ channels: { '*': { slow } } });
    const luis = await guest();
    await luis.ask('sub', CHANNEL);
    await hub.publish(CHANNEL, 1);
    luis.take();
    luis.wire.stick();
    luis.connection.slow();
    for (const data of [2, 3, 4]) await hub.publish(CHANNEL, data);
    luis.wire.free();
    await settle();
    await hub.publish(CHANNEL, 5);
    const lines = luis.take();
    assert.deepEqual(
      lines.flatMap((line) => (line[0] === 'skip' ? [line[2]] : [])),
      skips,
    );
    assert.deepEqual(
      lines.flatMap((line) => (line[0] === 'm' ? [line[2]] : [])),
      rest,
    );
  });

test('a slow reader under the policy close is closed with 1013, and the others continue', async () => {
  const { hub, guest } = await square({ channels: { '*': { slow: 'close' } } });
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL);
  await luis.ask('sub', CHANNEL);
  luis.connection.slow();
  assert.equal(luis.wire.closed?.[0], 1013);
  assert.deepEqual(luis.take().at(-1), ['bye', 'TOO_SLOW', { after: 1000 }]);
  await hub.publish(CHANNEL, 1);
  assert.deepEqual(ana.publications(), [[1, 1]]);
});

test('a log that cannot be read for a while loses nothing for live readers', async () => {
  let broken = true;
  let mute = false;
  const { hub, clock, errors, guest } = await square({}, (broker) =>
    Object.assign(Object.create(broker), {
      open: () => broker.open(),
      publish: broker.publish.bind(broker),
      state: broker.state.bind(broker),
      read: (...args: Parameters<typeof broker.read>) =>
        broken ? Promise.reject(new Error('locked')) : broker.read(...args),
      watch: (channel: string, listener: Parameters<typeof broker.watch>[1]) =>
        broker.watch(channel, (...args) => {
          if (!mute) listener(...args);
        }),
    }),
  );
  const ana = await guest();
  await ana.ask('sub', CHANNEL);
  ana.take();
  mute = true;
  await hub.publish(CHANNEL, 1);
  mute = false;
  await hub.publish(CHANNEL, 2);
  await settle();
  assert.deepEqual(ana.take(), []);
  assert.match(errors[0]!.message, /chat:42 cannot be read/);
  broken = false;
  clock.advance(1_000);
  await settle();
  await hub.publish(CHANNEL, 3);
  assert.deepEqual(ana.publications(), [
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
});

test('when a new log begins, live readers are told of the gap, and get its first publications', async () => {
  const { hub, broker, guest } = await square();
  const ana = await guest();
  const { ch } = (await ana.ask('sub', CHANNEL)) as Subscribed;
  const have = await hub.publish(CHANNEL, 'before');
  ana.take();
  await broker.forget(CHANNEL);
  const [epoch] = await hub.publish(CHANNEL, 'after');
  await settle();
  const lines = ana.take();
  assert.deepEqual(lines.slice(0, 2), [
    ['gap', ch, { have, oldest: 1, head: 0, epoch }],
    ['live', ch, 0],
  ]);
  assert.deepEqual(lines[2]?.slice(0, 4), ['m', ch, 1, 'after']);
});

test('a reader of an empty channel gets its first publication, though nothing was stored for the reader', async () => {
  const { hub, broker, guest } = await square();
  const ana = await guest();
  const { epoch, head } = (await ana.ask('get', 'history', CHANNEL)) as { epoch: string; head: number };
  await broker.state('another');
  await hub.publish(CHANNEL, 'first');
  await ana.ask('sub', CHANNEL, { at: [epoch, head] });
  assert.deepEqual(ana.publications(), [[1, 'first']]);
});

test('a channel without subscribers is freed', async () => {
  const { hub, clock, guest } = await square({ channels: { '*': { presence: true } } });
  await hub.publish(CHANNEL, 1);
  const ana = await guest();
  const before = clock.pending;
  const { ch } = (await ana.ask('sub', CHANNEL, { member: null })) as Subscribed;
  ana.connection.lost();
  assert.equal(ana.wire.topics.size, 0);
  clock.advance(5_000); // its ticket has run out
  assert.equal(clock.pending, before);
  const again = await guest();
  assert.notEqual(((await again.ask('sub', CHANNEL)) as Subscribed).ch, ch);
  await hub.publish(CHANNEL, 2);
  assert.deepEqual(again.publications(), [[2, 2]]);
});

test('settled waits until what was published is in the log, or for its limit', async () => {
  const written = Promise.withResolvers<void>();
  const { hub, clock } = await square({}, (broker) => {
    const publish = broker.publish.bind(broker);
    broker.publish = (...args) => written.promise.then(() => publish(...args));
    return broker;
  });
  const done: string[] = [];
  void hub.publish('news', 1).then(() => done.push('published'));
  void hub.settled(1_000).then(() => done.push('limit'));
  await settle();
  void hub.settled(60_000).then(() => done.push('settled'));
  await settle();
  assert.deepEqual(done, []);
  clock.advance(1_000);
  await settle();
  assert.deepEqual(done, ['limit']);
  written.resolve();
  await settle();
  assert.deepEqual(done, ['limit', 'published', 'settled']);
});
