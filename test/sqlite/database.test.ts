import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Users } from '../../src/server/auth/users.ts';
import { Backlog } from '../../src/server/webhooks/backlog.ts';
import { Database, type DatabaseFormat } from '../../src/sqlite/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FORMAT: DatabaseFormat = {
  applicationId: 0x74657374,
  version: 2,
  earlier: [1],
  isDurable: true,
  upgrade(database, from) {
    if (from === undefined) database.exec('CREATE TABLE notes (text TEXT)');
    database.prepare('INSERT INTO notes VALUES (?)').run(`from ${from}`);
  },
};
const OPTIONS = { lockTimeout: 0 };

function folderOf(t: TestContext): string {
  const folder = temporaryFolder(t);
  return folder;
}

function notes(database: Database): unknown[] {
  return database
    .prepare('SELECT text FROM notes')
    .all()
    .map(({ text }) => text);
}

test('a new file gets its tables once, an earlier version is upgraded once, and a current file stays unchanged', (t) => {
  const path = join(folderOf(t), 'a.db');
  const first = Database.open(path, FORMAT, OPTIONS);
  const second = Database.open(path, FORMAT, OPTIONS);
  assert.deepEqual(notes(second), ['from undefined']);
  second.close();
  first.connection.exec('PRAGMA user_version = 1');
  first.close();
  for (const _ of [1, 2]) {
    const again = Database.open(path, FORMAT, OPTIONS);
    assert.deepEqual(notes(again), ['from undefined', 'from 1']);
    assert.deepEqual([again.number('PRAGMA user_version'), again.number('PRAGMA application_id')], [2, 0x74657374]);
    again.close();
  }
});

test('commits reach the disk if the format requires it', (t) => {
  const folder = folderOf(t);
  for (const [isDurable, synchronous, fullfsync] of [
    [true, 2, 1],
    [false, 1, 0],
  ] as const) {
    const database = Database.open(join(folder, `${isDurable}.db`), { ...FORMAT, isDurable }, OPTIONS);
    assert.deepEqual(Object.values(database.prepare('PRAGMA journal_mode').get()!), ['wal']);
    assert.deepEqual(
      [database.number('PRAGMA synchronous'), database.number('PRAGMA fullfsync')],
      [synchronous, fullfsync],
    );
    database.close();
  }
});

test('every kind of file is for its owner alone', async (t) => {
  const folder = folderOf(t);
  const before = process.umask(0o022);
  t.after(() => process.umask(before));
  const users = new Users(join(folder, 'users.db'));
  const backlog = new Backlog(join(folder, 'events.db'), () => 1);
  await users.open();
  backlog.open();
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  users.close();
  backlog.close();
});

test("another program's database, or one of an unknown version, is refused and not written to", async (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'theirs.db');
  const openers = {
    1952805748: () => Database.open(path, FORMAT, OPTIONS),
    2054120309: () => new Users(path).open(),
    2054120311: () => new Backlog(path, () => 1).open(),
  };
  const theirs = (sql: string) => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    return readFileSync(path);
  };
  theirs('CREATE TABLE invoices (id INTEGER)');
  for (const [id, open] of Object.entries(openers))
    for (const [applicationId, version, reason] of [
      [0, 0, /belongs to another program/],
      [1, 99, /belongs to another program/],
      [Number(id), 99, /was written by a newer version/],
    ] as const) {
      const bytes = theirs(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
      await assert.rejects(async () => open(), { message: reason });
      assert.ok(readFileSync(path).equals(bytes));
      assert.deepEqual(readdirSync(folder), ['theirs.db']);
    }
});

test('a file whose claim fails is not made into a database', (t) => {
  const path = join(folderOf(t), 'a.db');
  const claim = () => {
    throw new Error('taken');
  };
  assert.throws(() => Database.open(path, FORMAT, { ...OPTIONS, claim }), { message: 'taken' });
  assert.equal(statSync(path).size, 0);
});

test('a database in memory needs no file and no claim', () => {
  const claim = () => assert.fail('it has no place');
  const database = Database.open(undefined, FORMAT, { ...OPTIONS, claim });
  database.check();
  assert.deepEqual(notes(database), ['from undefined']);
  database.close();
});
