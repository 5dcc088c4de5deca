import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dialectOf, planAttach } from '../../../src/sources/databases/index.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { noPostgres, startPostgres } from '../../support/postgres.ts';
import { testAttach } from './attach.contract.ts';
import { literal } from './literal.ts';
import { testOutage } from './outage.ts';
import { testOutbox } from './outbox.contract.ts';
import { testSink } from './sink.contract.ts';

let server: DatabaseServer;
const ends: (() => unknown)[] = [];
let databases = 0;

before(async () => {
  if (!noPostgres) server = await startPostgres({ after: (end) => void ends.push(end as () => unknown) });
});
after(async () => {
  for (const end of ends) await end();
});

async function emptyDatabase(): Promise<string> {
  const name = `shop_${++databases}`;
  const session = await dialectOf(server.address)!.connect(server.address, 'zocalo_outbox', () => {});
  await session.query(`CREATE DATABASE ${name}`);
  session.close();
  return server.address.replace(/shop$/, name);
}

testOutbox({
  name: 'postgres',
  skip: noPostgres,
  hasRowLocks: true,
  lockTimeout: "SET lock_timeout = '1s'",
  address: emptyDatabase,
  insert: literal,
});

testOutage('postgres', noPostgres, () => server);

testAttach({
  name: 'postgres',
  skip: noPostgres,
  address: emptyDatabase,
  types: [
    ['bigint', '1234567890123', '1234567890123'],
    ['bytea', "'\\x00ffde'", '"\\\\x00ffde"'],
    ['text', "'ñ''\\'", '"ñ\'\\\\"'],
    ['float8', "'NaN'", '"NaN"'],
    ['json', `'{"a":[1]}'`, '{"a":[1]}'],
  ],
  caseless: 'TEXT',
  bytes: ['bytea', "'\\x00ffde'", 'photos:00ffde'],
  names: (what) =>
    `SELECT ${what.slice(0, -1)}_name AS name FROM information_schema.${what} WHERE ${what.slice(0, -1)}_schema = 'public'`,
});

test('a row of a partition is published under the name of its table', { skip: noPostgres }, async (t) => {
  const address = await emptyDatabase();
  const session = await dialectOf(address)!.connect(address, '', () => {});
  t.after(() => session.close());
  await session.query('CREATE TABLE visits (door integer) PARTITION BY LIST (door)');
  await session.query('CREATE TABLE visits_7 PARTITION OF visits FOR VALUES IN (7)');
  const options = { address, table: 'visits', channel: 'visits:{door}', outbox: 'zocalo_outbox', password: 'secret' };
  const plan = await planAttach(options);
  await plan.run();
  plan.close();
  await session.query('INSERT INTO visits VALUES (7)');
  assert.deepEqual(await session.query('SELECT channel, data FROM zocalo_outbox'), [
    { channel: 'visits:7', data: { op: 'insert', table: 'visits', row: { door: 7 }, old: null } },
  ]);
});

testSink({
  name: 'postgres',
  skip: noPostgres,
  address: emptyDatabase,
  time: 'timestamptz',
  json: 'jsonb',
  timeText: (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')`,
  server: () => server,
});
