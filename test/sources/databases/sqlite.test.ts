import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { dialectOf } from '../../../src/sources/databases/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/turn.ts';
import { testAttach } from './attach.contract.ts';
import { literal } from './literal.ts';
import { testOutbox } from './outbox.contract.ts';
import { testSink } from './sink.contract.ts';

async function emptyFile(t: TestContext): Promise<string> {
  const file = join(temporaryFolder(t), 'shop.db');
  writeFileSync(file, '');
  return `sqlite:${file}`;
}

testOutbox({
  name: 'sqlite',
  skip: false,
  hasRowLocks: false,
  address: emptyFile,
  insert: literal,
});

testAttach({
  name: 'sqlite',
  skip: false,
  address: emptyFile,
  types: [
    ['INTEGER', '1234567890123', '1234567890123'],
    ['BLOB', "x'00FFDE'", '"\\\\x00ffde"'],
    ['TEXT', "'ñ''\\'", '"ñ\'\\\\"'],
    ['REAL', '0.5', '0.5'],
  ],
  caseless: 'TEXT COLLATE NOCASE',
  bytes: ['BLOB', "x'00ffde'", 'photos:00ffde'],
  names: (what) => `SELECT name FROM sqlite_schema WHERE type = '${what.slice(0, -1)}' AND name NOT LIKE 'sqlite%'`,
});

testSink({
  name: 'sqlite',
  skip: false,
  address: emptyFile,
  time: 'DATETIME',
  json: 'JSON',
  timeText: (column) => column,
});

test('a lock that another program has is waited for, while the rest of this process goes on', async (t) => {
  const address = await emptyFile(t);
  const application = new DatabaseSync(address.replace('sqlite:', ''));
  t.after(() => application.close());
  application.exec('CREATE TABLE t (x)');
  const session = await dialectOf(address)!.connect(address, '', () => {});
  t.after(() => session.close());
  // A writer in the oldest mode of journals keeps everybody out while it commits, also those who only read the schema.
  application.exec('BEGIN EXCLUSIVE');
  let isOver = false;
  const written = session.query('INSERT INTO t VALUES (1)').finally(() => {
    isOver = true;
  });
  for (let turns = 0; turns < 50; turns++) await turn();
  assert.equal(isOver, false);
  application.exec('COMMIT');
  await written;
  assert.deepEqual(
    application
      .prepare('SELECT x FROM t')
      .all()
      .map(({ x }) => x),
    [1],
  );
});

test('a lock that lasts is told as such', async (t) => {
  const address = await emptyFile(t);
  const application = new DatabaseSync(address.replace('sqlite:', ''));
  t.after(() => application.close());
  application.exec('CREATE TABLE t (x); BEGIN IMMEDIATE');
  const session = await dialectOf(address)!.connect(address, '', () => {});
  t.after(() => session.close());
  await assert.rejects(session.query('INSERT INTO t VALUES (1)'), { code: 'DATABASE_BUSY' });
});
