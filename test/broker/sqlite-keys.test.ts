import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SqliteKeys } from '../../src/broker/sqlite-keys.ts';

const at = (now: number) => ({ now, sure: now, since: 0 });

function keyed(ttl: number, count = 100) {
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

test('a rolled back transaction leaves the keys unchanged', () => {
  const { database, keys, rows } = keyed(2_000, 5);
  keys.add(at(0), 1, 'a', 'first', 1, null);
  keys.commit();
  database.exec('BEGIN');
  for (let n = 0; n < 3; n++) keys.add(at(1_500), 2, `k${n}`, 'other', n, null);
  assert.equal(keys.purge(at(2_000), 1_000), false);
  assert.equal(keys.find(at(2_000), 2, 'k0', 'other')?.isSame, true);
  database.exec('ROLLBACK');
  keys.rollBack();
  assert.deepEqual(rows(), [1]);
  assert.equal(keys.find(at(1_500), 2, 'k0', 'other'), undefined);
  for (let n = 0; n < 3; n++) assert.equal(keys.hasRoom('ana', at(2_000)), true, 'their room is free again');
  keys.add(at(2_000), 1, 'c', 'third', 3, null);
  keys.commit();
  assert.deepEqual(rows(), [1, 2], 'the numbers go on where they were');
  assert.equal(keys.purge(at(2_000), 1_000), false);
  assert.deepEqual(rows(), [2], 'what the rolled back purge let go of goes now');
});

test('rows are deleted in steps, and keys that are still remembered stay', () => {
  const { keys, rows } = keyed(10_000);
  for (let n = 0; n < 5; n++) {
    keys.add(at(n * 1_000), 1, `k${n}`, 'data', n, null);
    keys.commit();
  }
  assert.equal(keys.purge(at(13_000), 2), true);
  assert.deepEqual(rows(), [3, 4, 5]);
  assert.equal(keys.purge(at(13_000), 2), false);
  assert.deepEqual(rows(), [5]);
  assert.equal(keys.find(at(13_000), 1, 'k3', 'data'), undefined);
  assert.deepEqual(keys.find(at(13_000), 1, 'k4', 'data'), { offset: 4, isSame: true });
  assert.deepEqual(keys.find(at(13_000), 1, 'k4', 'other'), { offset: 4, isSame: false });
});

test('the keys are restored when the file is opened again, the last of each name', () => {
  const { database, keys } = keyed(10);
  keys.add(at(0), 1, 'a', 'old', 1, 'ana');
  keys.add(at(20), 1, 'a', 'new', 2, 'ana');
  keys.add(at(20), 2, 'a', 'other channel', 1, null);
  const again = new SqliteKeys(database, { count: 100, ttl: 10 });
  assert.deepEqual(again.find(at(21), 1, 'a', 'new'), { offset: 2, isSame: true });
  assert.deepEqual(again.find(at(21), 2, 'a', 'other channel'), { offset: 1, isSame: true });
  again.add(at(21), 1, 'b', 'next', 3, null);
  assert.equal(database.prepare('SELECT max(id) AS id FROM keys').get()!.id, 4);
});
