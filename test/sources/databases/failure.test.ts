import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { databaseFailure } from '../../../src/sources/databases/failure.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a blocking transaction is distinguished from a lost connection and from a mistake of the query', () => {
  const codeOf = (code: string, message = code) =>
    databaseFailure('mysql://user:secret@h/shop', Object.assign(new Error(message), { code })).code;
  assert.equal(codeOf('ER_LOCK_DEADLOCK'), 'DATABASE_BUSY');
  assert.equal(codeOf('ER_LOCK_WAIT_TIMEOUT', 'Lock wait timeout exceeded'), 'DATABASE_BUSY');
  for (const state of ['40001', '40P01', '55P03']) assert.equal(codeOf(state), 'DATABASE_BUSY');
  assert.equal(codeOf('ECONNRESET'), 'DATABASE_UNREACHABLE');
  assert.equal(codeOf('', 'Query read timeout'), 'DATABASE_UNREACHABLE');
  assert.equal(codeOf('ER_NO_SUCH_TABLE'), 'DATABASE_FAILED');
  assert.equal(codeOf('42P01'), 'DATABASE_FAILED');
});

test('a file of SQLite that another program writes is busy', (t) => {
  const file = join(temporaryFolder(t), 'shop.db');
  const [one, two] = [new DatabaseSync(file), new DatabaseSync(file, { timeout: 0 })];
  t.after(() => [one, two].forEach((database) => void database.close()));
  one.exec('CREATE TABLE t (x); BEGIN IMMEDIATE');
  let failure: unknown;
  try {
    two.exec('INSERT INTO t VALUES (1)');
  } catch (error) {
    failure = error;
  }
  assert.equal(databaseFailure(`sqlite:${file}`, failure).code, 'DATABASE_BUSY');
});
