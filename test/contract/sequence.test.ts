import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sqlite } from '../../src/broker/index.ts';
import { BROKERS, MISSING, opened, temporary } from './brokers.ts';

const codesOf = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? 'stored' : result.reason.code));

for (const [name, make] of Object.entries(BROKERS)) {
  const skip = MISSING[name] ?? false;
  test(`${name}: nothing passes a publication of its sequence that the log refused`, { skip }, async (t) => {
    const broker = await make(t, { now: () => 0, keys: { ttl: 100, count: 2 } });
    const [one, other] = [{}, {}];
    const owner = 'ana';
    const results = await Promise.allSettled([
      broker.publish('a', { data: '1', key: 'k1', owner, sequence: one }),
      broker.publish('a', { data: '2', key: 'k2', owner, sequence: one }), // no room for another key
      broker.publish('a', { data: '3', sequence: one }),
      broker.publish('a', { data: '4', sequence: other }),
      broker.publish('a', { data: '5' }),
    ]);
    assert.deepEqual(codesOf(results), ['stored', 'LOG_BUSY', 'LOG_BUSY', 'stored', 'stored']);
    await assert.rejects(broker.publish('a', { data: '6', sequence: one }), { code: 'LOG_BUSY' });
  });

  test(`${name}: what is wrong with one publication alone does not hold back its sequence`, { skip }, async (t) => {
    const broker = await make(t, { now: () => 0 });
    const sequence = {};
    const results = await Promise.allSettled([
      broker.publish('a', { data: '1', key: 'k', sequence }),
      broker.publish('a', { data: '2', key: 'k', sequence }),
      broker.publish('a', { data: '3', sequence }),
    ]);
    assert.deepEqual(codesOf(results), ['stored', 'KEY_REUSED', 'stored']);
  });
}

test('sqlite: a sequence that is longer than a transaction ends with the transaction that failed', async (t) => {
  const path = join(temporary(t), 'log.db');
  const broker = await opened(t, sqlite(path, { lockTimeout: 0 }));
  await broker.publish('a', { data: '0' });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  const sequence = {};
  const all = Array.from({ length: 5_000 }, (_, n) => broker.publish('a', { data: String(n), sequence }));
  // What follows in the queue would find the lock gone.
  all[0]!.catch(() => other.exec('ROLLBACK'));
  const codes = codesOf(await Promise.allSettled(all));
  assert.deepEqual(
    codes,
    codes.map(() => 'LOG_LOCKED'),
  );
  other.close();
  await broker.publish('a', { data: 'another', sequence: {} });
  assert.equal((await broker.state('a')).head, 2);
});
