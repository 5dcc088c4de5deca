import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SqliteKeys } from '../../src/broker/sqlite-keys.ts';

function keyed(count: number, ttl = 100): { database: DatabaseSync; keys: SqliteKeys; rows: () => number[] } {
  const database = new DatabaseSync(':memory:');
  database.exec(
    'CREATE TABLE keys (id INTEGER PRIMARY KEY, channel INTEGER, key TEXT, digest TEXT, offset INTEGER, expires INTEGER)',
  );
  const ids = database.prepare('SELECT id FROM keys ORDER BY id');
  return {
    database,
    keys: new SqliteKeys(database, { count, ttl }),
    rows: () => (ids.all() as { id: number }[]).map(({ id }) => id),
  };
}

test('a transaction that is rolled back leaves the keys as they were: added, replaced or let go of', () => {
  const { database, keys } = keyed(4);
  keys.add(0, 1, 'a', 'first', 1);
  keys.add(50, 1, 'b', 'second', 2);
  keys.commit();
  database.exec('BEGIN');
  for (let n = 0; n < 8; n++) keys.add(60, 2, `k${n}`, 'other', n);
  keys.add(60, 1, 'b', 'again', 3);
  keys.purge(60, 1_000);
  assert.equal(keys.find(60, 1, 'a'), undefined, 'beyond the count');
  database.exec('ROLLBACK');
  keys.rollBack();
  assert.deepEqual(keys.find(60, 1, 'a'), { id: 1, digest: 'first', offset: 1, expires: 100 });
  assert.equal(keys.find(60, 1, 'b')?.digest, 'second');
  assert.equal(keys.find(60, 2, 'k0'), undefined);
  keys.add(60, 1, 'c', 'third', 3);
  assert.equal(keys.find(60, 1, 'c')?.id, 3, 'the numbers go on where they were');
});

test('rows go in steps, and what is still known stays', () => {
  const { keys, rows } = keyed(100, 10);
  for (let n = 0; n < 5; n++) keys.add(n, 1, `k${n}`, 'digest', n);
  assert.equal(keys.purge(13, 2), true);
  assert.deepEqual(rows(), [3, 4, 5]);
  assert.equal(keys.purge(13, 2), false);
  assert.deepEqual(rows(), [5]);
  assert.equal(keys.find(13, 1, 'k3'), undefined);
  assert.equal(keys.find(13, 1, 'k4')?.id, 5);
});

test('the keys are found again by the next one who opens the file, the last of each name', () => {
  const { database, keys } = keyed(100, 10);
  keys.add(0, 1, 'a', 'old', 1);
  keys.add(20, 1, 'a', 'new', 2);
  keys.add(20, 2, 'a', 'other channel', 1);
  const again = new SqliteKeys(database, { count: 100, ttl: 10 });
  assert.equal(again.find(21, 1, 'a')?.digest, 'new');
  assert.equal(again.find(21, 2, 'a')?.digest, 'other channel');
  again.add(21, 1, 'b', 'next', 3);
  assert.equal(again.find(21, 1, 'b')?.id, 4);
});
