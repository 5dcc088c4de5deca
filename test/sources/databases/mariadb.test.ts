import { after, before } from 'node:test';
import { dialectOf } from '../../../src/sources/databases/index.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { MARIADB, startMariadb } from '../../support/mariadb.ts';
import { missing } from '../../support/need.ts';
import { testAttach } from './attach.contract.ts';
import { literal } from './literal.ts';
import { testOutage } from './outage.ts';
import { testOutbox } from './outbox.contract.ts';
import { testSink } from './sink.contract.ts';

const skip = missing(...MARIADB);
let server: DatabaseServer;
const ends: (() => unknown)[] = [];
let databases = 0;

before(async () => {
  if (!skip) server = await startMariadb({ after: (end) => void ends.push(end as () => unknown) });
});
after(async () => {
  for (const end of ends) await end();
});

async function emptyDatabase(): Promise<string> {
  const name = `shop_${++databases}`;
  const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
  await session.query(`CREATE DATABASE ${name}`);
  session.close();
  return server.address.replace(/shop$/, name);
}

testOutbox({
  name: 'mariadb',
  skip,
  hasRowLocks: true,
  lockTimeout: 'SET SESSION innodb_lock_wait_timeout = 1',
  address: emptyDatabase,
  // A backslash begins an escape here.
  insert: (channel, data, key) => literal(channel, data.replaceAll('\\', '\\\\'), key),
});

testOutage('mariadb', skip, () => server);

testAttach({
  name: 'mariadb',
  skip,
  address: emptyDatabase,
  types: [
    ['BIGINT', '1234567890123', '1234567890123'],
    ['VARBINARY(9)', "x'00FFDE'", '"\\\\x00ffde"'],
    ['TEXT', "'ñ''\\\\'", '"ñ\'\\\\"'],
    ['DECIMAL(8,2)', '12.50', '12.5'],
    ['BIT(3)', "b'101'", '5'],
    ['INT(6) ZEROFILL', '7', '7'],
    ['DECIMAL(6,2) ZEROFILL', '3.50', '3.5'],
    ['YEAR', '0', '0'],
    ['JSON', `'{"a":[1]}'`, '{"a":[1]}'],
    ['UUID', "'7dffcbac-e97d-11f1-9dae-02fc00000001'", '"7dffcbac-e97d-11f1-9dae-02fc00000001"'],
  ],
  caseless: 'VARCHAR(20) COLLATE utf8mb4_general_ci',
  bytes: ['BINARY(3)', "x'00FFDE'", 'photos:00ffde'],
  names: (what) =>
    `SELECT ${what.slice(0, -1)}_name FROM information_schema.${what} WHERE ${what.slice(0, -1)}_schema = DATABASE()`,
});

testSink({
  name: 'mariadb',
  skip,
  address: emptyDatabase,
  time: 'DATETIME(3)',
  json: 'JSON',
  timeText: (column) => `CAST(${column} AS CHAR)`,
  server: () => server,
});
