import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { systemClock } from '../../../src/clock.ts';
import type { ZocaloError } from '../../../src/errors.ts';
import { Hub } from '../../../src/hub/index.ts';
import { dialectOf, OutboxConsumer, openOutbox, planAttach } from '../../../src/sources/databases/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
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
    ['REAL', '-9e999', '"-Infinity"'],
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

test('no function of a trigger has more arguments than older versions of SQLite take', async (t) => {
  const address = await emptyFile(t);
  const application = new DatabaseSync(address.replace('sqlite:', ''));
  t.after(() => application.close());
  application.exec(`CREATE TABLE wide (${Array.from({ length: 120 }, (_, at) => `c${at}`)})`);
  const { statements, close } = await planAttach({
    address,
    table: 'wide',
    channel: 'wide',
    outbox: 'zocalo_outbox',
    password: '',
  });
  close();
  const calls = statements.flatMap((statement) => statement.split('json_object(').slice(1));
  const members = calls.map((call) => call.match(/'c\d+'/g)?.length ?? 4);
  assert.ok(members.includes(20), 'the last 20 columns have a call of their own');
  assert.ok(Math.max(...members) * 2 <= 127);
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

test('a database file that was replaced is opened again, so that no row of the new one is missed', async (t) => {
  const address = await emptyFile(t);
  const file = address.replace('sqlite:', '');
  const outbox = dialectOf(address)!.create('zocalo_outbox').join(';');
  const fill = (name: string, channel: string) => {
    const database = new DatabaseSync(name);
    database.exec(`${outbox}; INSERT INTO zocalo_outbox (channel, data) VALUES ('${channel}', '1')`);
    database.close();
  };
  fill(file, 'before');
  const hub = new Hub({ broker: memory() });
  const errors: ZocaloError[] = [];
  const consumer = new OutboxConsumer({
    name: 'shop',
    open: () => openOutbox(address, 'zocalo_outbox'),
    log: hub,
    clock: systemClock,
    random: () => 0,
    onFailed: (error) => void errors.push(error),
    onBusy: () => {},
    onRecovered: () => {},
    onAside: (error) => void errors.push(error),
  });
  t.after(async () => {
    await consumer.close();
    await hub.close();
  });
  consumer.start();
  await until(async () => (await hub.history('before')).head === 1, 'the first row was published');
  fill(`${file}.restored`, 'after');
  renameSync(`${file}.restored`, file);
  await until(async () => (await hub.history('after')).head === 1, 'the row of the other file was published');
  assert.match(errors[0]!.message, /shop\.db was moved, removed or replaced/);
});

test('a lock that lasts is reported as such', async (t) => {
  const address = await emptyFile(t);
  const application = new DatabaseSync(address.replace('sqlite:', ''));
  t.after(() => application.close());
  application.exec('CREATE TABLE t (x); BEGIN IMMEDIATE');
  const session = await dialectOf(address)!.connect(address, '', () => {});
  t.after(() => session.close());
  await assert.rejects(session.query('INSERT INTO t VALUES (1)'), { code: 'DATABASE_BUSY' });
});
