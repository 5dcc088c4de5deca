import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Listener } from '../../src/broker/index.ts';
import { encode, type Subscribed } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

const CHANNEL = 'chat:42';

test('a gap that is read is dropped when the missing publication arrives after all', async () => {
  let tell: Listener = () => {};
  let pass = () => {};
  const held = new Promise<void>((resolve) => {
    pass = resolve;
  });
  const { hub, broker, guest } = await square({}, (broker) => {
    const read = broker.read.bind(broker);
    broker.watch = async (_, listener) => {
      tell = listener;
      return () => {};
    };
    broker.read = async (...call) => {
      const result = await read(...call);
      if (result.gap) await held;
      return result;
    };
    return broker;
  });
  const ana = await guest();
  const { epoch } = (await ana.ask('sub', CHANNEL)) as Required<Subscribed>;
  ana.take();
  for (const data of ['1', '2', '3']) await hub.publish(CHANNEL, data);
  await broker.trim(CHANNEL, { size: 0, ttl: 1 });
  const entry = (offset: number) => ({ offset, time: 0, data: `"${offset}"`, meta: null });
  tell(CHANNEL, epoch, [entry(3)]); // there is a hole, and the log does not have it any more
  await settle();
  tell(CHANNEL, epoch, [1, 2, 3].map(entry));
  pass();
  await settle();
  assert.deepEqual(
    ana.take().map(([verb, , offset]) => [verb, offset]),
    [
      ['m', 1],
      ['m', 2],
      ['m', 3],
    ],
  );
});

test('publications that come in their order are delivered without reading the log', async () => {
  let reads = 0;
  const { hub, guest } = await square({}, (broker) => {
    const read = broker.read.bind(broker);
    broker.read = (...call) => {
      reads++;
      return read(...call);
    };
    return broker;
  });
  const ana = await guest();
  await ana.ask('sub', CHANNEL);
  for (const data of ['uno', 'dos']) await hub.publish(CHANNEL, data);
  assert.deepEqual(ana.publications(), [
    [1, 'uno'],
    [2, 'dos'],
  ]);
  assert.equal(reads, 0);
});

test('a log that could not be read is read again a second later, even without new publications', async () => {
  let isBroken = true;
  let tell: Listener = () => {};
  const { hub, clock, errors, guest } = await square({}, (broker) => {
    const read = broker.read.bind(broker);
    broker.watch = async (_, listener) => {
      tell = listener;
      return () => {};
    };
    broker.read = (...call) => (isBroken ? Promise.reject(new Error('locked')) : read(...call));
    return broker;
  });
  const ana = await guest();
  const { epoch } = (await ana.ask('sub', CHANNEL)) as Required<Subscribed>;
  ana.take();
  await hub.publish(CHANNEL, 'uno');
  await hub.publish(CHANNEL, 'dos');
  tell(CHANNEL, epoch, [{ offset: 2, time: 0, data: '"dos"', meta: null }]);
  await settle();
  for (let second = 1; second <= 3; second++) {
    clock.advance(1_000);
    await settle();
    assert.equal(errors.length, 1 + second, 'it is tried each second');
  }
  assert.deepEqual(ana.take(), []);
  isBroken = false;
  clock.advance(1_000);
  await settle();
  assert.deepEqual(ana.publications(), [
    [1, 'uno'],
    [2, 'dos'],
  ]);
});

test('a channel that could not be opened for a pattern is opened by its next subscriber', async () => {
  let isBroken = false;
  const { hub, guest } = await square({ channels: { '*': { patterns: true } } }, (broker) => {
    const state = broker.state.bind(broker);
    broker.state = (channel) => (isBroken ? Promise.reject(new Error('locked')) : state(channel));
    return broker;
  });
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'chat:*');
  await hub.publish(CHANNEL, 'uno');
  isBroken = true;
  assert.equal(await luis.ask('sub', CHANNEL), 'INTERNAL');
  isBroken = false;
  const { offset } = (await luis.ask('sub', CHANNEL)) as Subscribed;
  assert.equal(offset, 1);
  await hub.publish(CHANNEL, 'dos');
  assert.deepEqual(luis.publications(), [[2, 'dos']]);
});

test('a reader that is catching up is not told to skip its own publication before it has the earlier ones', async () => {
  const { hub, guest } = await square();
  const [epoch] = await hub.publish(CHANNEL, 'uno');
  await hub.publish(CHANNEL, 'dos');
  const ana = await guest();
  const { ch } = (await ana.ask('sub', CHANNEL, { at: [epoch, 0], credit: 1 })) as Required<Subscribed>;
  await ana.ask('pub', CHANNEL, 'tres', { echo: false });
  assert.deepEqual(
    ana.take().map(([verb, , offset]) => [verb, offset]),
    [['m', 1]],
  );
  ana.connection.receive(encode(['more', ch, 10]));
  await settle();
  assert.deepEqual(
    ana.take().map(([verb, , offset]) => [verb, offset]),
    [
      ['m', 2],
      ['m', 3],
      ['live', 3],
    ],
    'catching up, everybody gets what the log has',
  );
});

test('a user is offline once their last connection has ended, and no sooner', async () => {
  const { hub, guest } = await square({ connect: () => ({ user: 'ana' }) });
  const heard: string[] = [];
  hub.observe({ onOnline: (user) => heard.push(`${user} online`), onOffline: (user) => heard.push(`${user} offline`) });
  const tabs = [await guest(), await guest(), await guest()];
  assert.deepEqual(heard, ['ana online']);
  tabs[0]!.connection.lost();
  tabs[1]!.connection.lost();
  assert.deepEqual(heard, ['ana online']);
  assert.equal(hub.user('ana').send('still here'), 1);
  tabs[2]!.connection.lost();
  assert.deepEqual(heard, ['ana online', 'ana offline']);
});
