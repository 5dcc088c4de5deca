import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { ZocaloError } from '../../../src/errors.ts';
import { Hub, type HubPublishOptions } from '../../../src/hub/index.ts';
import { OutboxConsumer } from '../../../src/sources/databases/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { FakeOutbox } from './fake-outbox.ts';

const HOUR = 3_600_000;

function setUp(t: TestContext) {
  const clock = new FakeClock();
  const now = () => 1_700_000_000_000 + clock.now();
  const hub = new Hub({
    broker: memory({ clock, now }),
    clock,
    channels: { '*': { history: { size: 5_000, ttl: '7d' } } },
  });
  const outbox = new FakeOutbox();
  const pauses: number[] = [];
  const busy: string[] = [];
  const consume = (log: Pick<Hub, 'publish' | 'history'> = hub) => {
    const consumer = new OutboxConsumer({
      name: 'shop',
      open: outbox.open,
      log,
      clock,
      random: () => 0.5,
      onFailed: (_, pause) => void pauses.push(pause),
      onBusy: ({ code }) => void busy.push(code),
      onRecovered: () => {},
      onAside: () => {},
    });
    t.after(async () => {
      await consumer.close();
      await hub.close();
    });
    consumer.start();
    return consumer;
  };
  /** Lets time pass in small steps, with what they cause. */
  const pass = async (time: number, step = time) => {
    for (let passed = 0; passed < time; passed += step) {
      clock.advance(step);
      for (let turns = 0; turns < 20; turns++) await turn();
    }
  };
  const dataOf = async (channel: string) =>
    (await hub.history(channel, { limit: 1_000 })).entries.map(([, data]) => data);
  return { clock, hub, outbox, pauses, busy, consume, pass, dataOf };
}

test('rows whose DELETE fails for hours are published once, and deleted when the database is back', async (t) => {
  const { outbox, consume, pass, dataOf, pauses } = setUp(t);
  outbox.failing = 'settle';
  for (let n = 0; n < 3; n++) outbox.insert('c', n);
  consume();
  await until(() => pauses.length === 1, 'the DELETE failed');
  await pass(5 * HOUR, 60_000);
  assert.ok(pauses.length > 100);
  assert.equal(outbox.rows.length, 3);
  outbox.failing = undefined;
  await pass(60_000);
  await until(() => outbox.rows.length === 0, 'the rows were deleted');
  assert.deepEqual(await dataOf('c'), [0, 1, 2]);
});

test('a daemon that starts hours later does not repeat what an earlier one published but did not delete', async (t) => {
  const { outbox, consume, pass, dataOf, hub, pauses } = setUp(t);
  outbox.failing = 'settle';
  for (let n = 0; n < 3; n++) outbox.insert('c', n);
  const first = consume();
  await until(() => pauses.length === 1, 'the DELETE failed');
  await first.close();
  for (let n = 0; n < 700; n++) await hub.publish('c', 'something else');
  await pass(2 * HOUR);
  outbox.rows = outbox.rows.map((row) => ({ ...row, age: 2 * HOUR }));
  outbox.insert('c', 3);
  outbox.failing = undefined;
  consume();
  await until(() => outbox.rows.length === 0, 'the rows were deleted');
  const data = await dataOf('c');
  assert.deepEqual(
    data.filter((value) => typeof value === 'number'),
    [0, 1, 2, 3],
  );
});

test('a database that is down is tried again after growing pauses, with jitter, of half a minute at most', async (t) => {
  const { outbox, consume, pass, pauses, dataOf } = setUp(t);
  outbox.failing = 'open';
  outbox.insert('c', 1);
  const consumer = consume();
  await until(() => pauses.length === 1, 'it failed');
  assert.equal(consumer.status.error?.code, 'DATABASE_UNREACHABLE');
  await pass(180_000, 100);
  // Of 250 ms, half and half of the other half; doubled each time.
  assert.deepEqual(pauses.slice(0, 4), [187.5, 375, 750, 1_500]);
  assert.deepEqual(pauses.slice(-2), [22_500, 22_500]);
  outbox.failing = undefined;
  await pass(30_000, 100);
  await until(() => outbox.rows.length === 0, 'the row was published');
  assert.deepEqual(await dataOf('c'), [1]);
  assert.equal(consumer.status.error, undefined);
  outbox.failing = 'take';
  await pass(300);
  await until(() => pauses.at(-1) === 187.5, 'the pauses began again');
});

test('what another transaction blocked is tried again at once, and reported only when that lasts', async (t) => {
  const { outbox, consume, pass, pauses, busy, dataOf } = setUp(t);
  outbox.failing = 'settle';
  outbox.code = 'DATABASE_BUSY';
  outbox.insert('c', 1);
  const consumer = consume();
  await until(() => busy.length === 1, 'it failed');
  await pass(100, 5);
  assert.ok(outbox.taken >= 3, `tried ${outbox.taken} times within 0.1 s`);
  const { error, failures } = consumer.status;
  assert.deepEqual([error, failures], [undefined, busy.length]);
  outbox.failing = undefined;
  await pass(1_000, 5);
  await until(() => outbox.rows.length === 0, 'the row was published');
  assert.deepEqual(await dataOf('c'), [1]);

  outbox.failing = 'take';
  await until(async () => (await pass(250)) === undefined && busy.length > 8, 'it failed for a while');
  assert.deepEqual(pauses, []);
  await until(async () => (await pass(250)) === undefined && pauses.length > 1, 'it was told');
  assert.equal(consumer.status.error?.code, 'DATABASE_BUSY');
  // As any other failure from then on.
  assert.deepEqual(pauses, [187.5, 375]);
  const told = busy.length;
  await pass(60_000, 250);
  assert.equal(busy.length, told);
  outbox.failing = undefined;
  await until(async () => (await pass(250)) === undefined && consumer.status.error === undefined, 'it recovered');
});

test('it looks for rows soon after there were some, and a few times a second while none come', async (t) => {
  const { outbox, consume, pass } = setUp(t);
  consume();
  await until(() => outbox.taken === 1, 'it looked');
  await pass(10_000, 10);
  const before = outbox.taken;
  await pass(10_000, 10);
  assert.equal(outbox.taken - before, 40);
  outbox.insert('c', 1);
  while (outbox.rows.length > 0) await pass(10);
  const after = outbox.taken;
  await pass(100, 10);
  assert.ok(outbox.taken - after >= 3, 'soon after a row');
});

test('a database that tells of rows is asked at once then, and seldom otherwise', async (t) => {
  const { outbox, consume, pass } = setUp(t);
  consume();
  await until(() => outbox.taken === 1, 'it looked');
  outbox.insert('c', 1);
  outbox.wake();
  await until(() => outbox.rows.length === 0, 'it published without any time passing');
  await pass(60_000, 10);
  const before = outbox.taken;
  await pass(60_000, 10);
  assert.equal(outbox.taken - before, 12);
  // A notification that is lost costs five seconds, and is not relied on afterwards.
  outbox.insert('c', 2);
  await pass(5_000, 10);
  assert.equal(outbox.rows.length, 0);
  await pass(10_000, 10);
  const polled = outbox.taken;
  await pass(10_000, 10);
  assert.equal(outbox.taken - polled, 40);
});

test('a row that the log does not take yet holds back its own channel, and no other', async (t) => {
  const { hub, outbox, consume, pass, dataOf, pauses } = setUp(t);
  let isFull = true;
  const refused = new WeakSet<object>();
  const log = {
    history: hub.history.bind(hub),
    publish: async (channel: string, ...rest: [unknown, HubPublishOptions?]) => {
      // Only this row is refused, and what must not pass it.
      const sequence = rest[1]!.sequence!;
      if (isFull && channel === 'a' && (rest[0] as { text: string }).text === '2') refused.add(sequence);
      if (refused.has(sequence)) throw new ZocaloError('LOG_FULL', 'the log is full');
      return hub.publish(channel, ...rest);
    },
  } as Pick<Hub, 'publish' | 'history'>;
  for (const [channel, n] of [
    ['a', 1],
    ['a', 2],
    ['b', 1],
    ['a', 3],
    ['b', 2],
  ] as const)
    outbox.insert(channel, n);
  const consumer = consume(log);
  await until(() => pauses.length > 0, 'the log refused a row');
  assert.deepEqual([await dataOf('a'), await dataOf('b')], [[1], [1, 2]]);
  assert.equal(consumer.status.error?.code, 'LOG_FULL');
  isFull = false;
  await pass(1_000);
  await until(() => outbox.rows.length === 0, 'all was published');
  assert.deepEqual(await dataOf('a'), [1, 2, 3]);
});

test('rows are taken while the log still stores those before, two lots at most, and deleted together', async (t) => {
  const { hub, outbox, consume, dataOf } = setUp(t);
  outbox.most = 2;
  for (let n = 0; n < 8; n++) outbox.insert('c', n);
  const waiting: (() => void)[] = [];
  const log = {
    history: hub.history.bind(hub),
    publish: async (...args: Parameters<Hub['publish']>) => {
      const published = hub.publish(...args);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return published;
    },
  } as Pick<Hub, 'publish' | 'history'>;
  consume(log);
  await until(() => waiting.length === 4, 'two lots were handed to the log');
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.deepEqual([waiting.length, outbox.taken, outbox.rows.length], [4, 2, 8]);
  await until(() => {
    for (const stored of waiting.splice(0)) stored();
    return outbox.rows.length === 0;
  }, 'all was published');
  assert.deepEqual(await dataOf('c'), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('no row passes one that the log refused, or an older one, although they were taken one after the other', async (t) => {
  const { hub, outbox, consume, pass, dataOf, pauses } = setUp(t);
  outbox.most = 1;
  const asked: (() => void)[] = [];
  let refused: object | undefined;
  const log = {
    // What the channel has is looked up for a row that is old.
    history: async (...args: Parameters<Hub['history']>) => {
      await new Promise<void>((resolve) => asked.push(resolve));
      return hub.history(...args);
    },
    publish: async (channel: string, ...rest: [unknown, HubPublishOptions?]) => {
      const { sequence } = rest[1]!;
      if ((rest[0] as { text: string }).text === '2' && pauses.length === 0) refused = sequence;
      if (refused !== undefined && sequence === refused) throw new ZocaloError('LOG_FULL', 'the log is full');
      return hub.publish(channel, ...rest);
    },
  } as Pick<Hub, 'publish' | 'history'>;
  outbox.insert('c', 1, { age: HOUR });
  for (const n of [2, 3, 4]) outbox.insert('c', n);
  consume(log);
  const answer = () => {
    for (const told of asked.splice(0)) told();
  };
  await until(() => asked.length === 1 && outbox.taken === 2, 'the next row was taken while the channel was looked at');
  assert.deepEqual(await dataOf('c'), []);
  await until(() => {
    answer();
    return pauses.length === 1;
  }, 'the log refused a row');
  assert.deepEqual(await dataOf('c'), [1]);
  await until(async () => {
    answer();
    await pass(100);
    return outbox.rows.length === 0;
  }, 'all was published');
  assert.deepEqual(await dataOf('c'), [1, 2, 3, 4]);
});

test('an old row with an impossible channel name is set aside like a new one', async (t) => {
  const { outbox, consume, dataOf } = setUp(t);
  outbox.insert('no channel', 1, { age: HOUR });
  outbox.insert('c', 2, { age: HOUR });
  const consumer = consume();
  await until(() => outbox.rows.length === 0, 'both were settled');
  assert.deepEqual(await dataOf('c'), [2]);
  assert.equal(consumer.status.published, 1);
});
