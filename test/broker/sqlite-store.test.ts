import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Appended, Operation } from '../../src/broker/sqlite-messages.ts';
import { SqliteStore } from '../../src/broker/sqlite-store.ts';
import { temporary } from '../contract/brokers.ts';

const MOMENT = { now: 1_000, sure: 1_000, since: 0 };

function stored(t: TestContext) {
  const path = join(temporary(t), 'log.db');
  const keys = { ttl: 1_000, count: 1_000 };
  const store = new SqliteStore({ path, now: 0, bytes: Infinity, lockTimeout: 0, keys, forgetAfter: 1_000 });
  const rows = new DatabaseSync(path);
  t.after(() => {
    rows.close();
    store.close();
  });
  const publish = (channel: string, size = Infinity): Operation => [
    'publish',
    channel,
    '1',
    null,
    null,
    null,
    size,
    Infinity,
    null,
    null,
    false,
  ];
  return { store, publish, count: () => (rows.prepare('SELECT count(*) AS n FROM entries').get() as { n: number }).n };
}

test('a channel changed in a transaction stays cached until its end, however many others come', (t) => {
  const { store, publish } = stored(t);
  const offsetOf = (outcome: unknown) => (outcome as Appended)[1];
  // The first 10,000 rows are held in memory, and the oldest of them goes for each other one.
  for (let from = 0; from < 10_000; from += 2_000)
    store.batch(
      MOMENT,
      Array.from({ length: 2_000 }, (_, n) => publish(`channel:${from + n}`)),
    );
  const outcomes = store.batch(MOMENT, [
    publish('channel:0'),
    publish('new:1'),
    publish('new:2'),
    publish('channel:0'),
  ]);
  assert.deepEqual(outcomes.map(offsetOf), [2, 1, 1, 3]);
  assert.equal(offsetOf(store.batch(MOMENT, [publish('channel:0')])[0]), 4);
});

test("entries outside of a log's limits are deleted by later publications, without waiting for the sweeper", (t) => {
  const { store, publish, count } = stored(t);
  for (let n = 0; n < 300; n++) store.batch(MOMENT, [publish('a', 10)]);
  assert.ok(count() < 10 + 2 * 64, `${count()} entries, of which 10 are kept`);
});

test('a step of cleaning up deletes about 1,000 entries of all channels together, so that publishing does not wait', (t) => {
  const { store, publish, count } = stored(t);
  for (const channel of ['a', 'b']) {
    store.batch(
      MOMENT,
      Array.from({ length: 800 }, () => publish(channel)),
    );
    store.batch(MOMENT, [['forget', channel]]);
  }
  const before = count();
  store.sweep(MOMENT);
  const deleted = before - count();
  assert.ok(deleted >= 1_000 && deleted < 1_100, `${deleted} of ${before} were deleted at once`);
});
