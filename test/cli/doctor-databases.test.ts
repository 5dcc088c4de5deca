import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { lookAtDatabases } from '../../src/cli/doctor/databases.ts';
import { dialectOf } from '../../src/sources/index.ts';
import { configOf } from '../support/config.ts';
import { MARIADB, startMariadb } from '../support/mariadb.ts';
import { missing } from '../support/need.ts';
import { noPostgres, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('the doctor tells of rows that wait, of rows set aside, and of an outbox that is not there', async (t) => {
  const file = join(temporaryFolder(t), 'shop.db');
  const application = new DatabaseSync(file);
  t.after(() => application.close());
  for (const name of ['fresh', 'late']) for (const text of dialectOf('sqlite:x')!.create(name)) application.exec(text);
  application.exec(`
    INSERT INTO fresh (channel, data) VALUES ('a', '1');
    INSERT INTO late (channel, data, created_at) VALUES ('a', '1', '2026-01-01 00:00:00'), ('a', '2', '2026-01-02 00:00:00');
    INSERT INTO late (channel, data, error) VALUES ('a', '1', 'it is none');
    CREATE TABLE users (email TEXT, password TEXT);
  `);
  const database = `sqlite:${file}`;
  const users = { database: 'shop', table: 'users', columns: { name: 'email' } };
  const config = {
    secret: 's'.repeat(40),
    auth: { login: { users } },
    databases: { shop: database },
    sources: {
      fresh: { database: 'shop', table: 'fresh' },
      late: { database, table: 'late' },
      none: { database },
      gone: { database: `${database}x` },
    },
  };
  const found = await lookAtDatabases(configOf(config));
  assert.deepEqual(
    found.map(({ level, about }) => `${level} ${about}`),
    [
      'ok source fresh',
      'warning source late',
      'warning source late',
      'problem source none',
      'problem source gone',
      'warning login',
    ],
  );
  assert.match(found[0]!.sentence, /; 1 row waits, the oldest for \d+ s$/);
  assert.match(found[1]!.sentence, /: 2 rows wait, the oldest for \d+ s$/);
  assert.match(found[2]!.sentence, /: 1 row was set aside/);
  assert.match(found[3]!.sentence, /no such table: zocalo_outbox/);
  assert.match(found[4]!.sentence, /there is no file/);
  assert.match(found[5]!.sentence, /users of sqlite:.* has no users/);
  assert.equal(application.prepare('SELECT count(*) AS n FROM late').get()!.n, 3);
  application.exec("INSERT INTO users VALUES ('ana', 'x')");
  const [, , , , , login] = await lookAtDatabases(configOf(config));
  assert.equal(login!.level, 'ok');
});

for (const { name, skip, start, user } of [
  {
    name: 'MariaDB',
    skip: missing(...MARIADB),
    start: startMariadb,
    user: (rights: string) => [
      "CREATE OR REPLACE USER zocalo@'127.0.0.1' IDENTIFIED BY 'secret'",
      `GRANT ${rights} ON shop.zocalo_outbox TO zocalo@'127.0.0.1'`,
    ],
  },
  {
    name: 'Postgres',
    skip: noPostgres,
    start: startPostgres,
    user: (rights: string) => ['REVOKE ALL ON zocalo_outbox FROM zocalo', `GRANT ${rights} ON zocalo_outbox TO zocalo`],
  },
])
  test(`the doctor finds which right a source lacks in ${name}, and changes no row`, { skip }, async (t) => {
    const server = await start(t);
    const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
    t.after(() => session.close());
    for (const text of dialectOf(server.address)!.create('zocalo_outbox')) await session.query(text);
    if (name === 'Postgres') await session.query("CREATE ROLE zocalo LOGIN PASSWORD 'secret'");
    await session.query("INSERT INTO zocalo_outbox (channel, data) VALUES ('a', '1')");
    const database = server.address.replace('//root@', '//zocalo:secret@');
    const look = async (rights: string) => {
      for (const text of user(rights)) await session.query(text);
      const [finding] = await lookAtDatabases(configOf({ sources: { shop: { database } } }));
      return finding!;
    };
    for (const rights of ['SELECT', 'SELECT, UPDATE', 'SELECT, DELETE', 'UPDATE, DELETE']) {
      const { level, sentence } = await look(rights);
      assert.equal(level, 'problem', rights);
      assert.match(sentence, /denied/, rights);
      assert.ok(!sentence.includes('secret'));
    }
    assert.equal((await look('SELECT, UPDATE, DELETE')).level, 'ok');
    const [row] = await session.query('SELECT error FROM zocalo_outbox');
    assert.deepEqual(row, { error: null });
    await server.stop();
    assert.match((await lookAtDatabases(configOf({ sources: { shop: { database } } })))[0]!.sentence, /ECONNREFUSED/);
  });

const columns = { badge: '{badge}', at: '{time}' };

test('the doctor tells which table or column of a sink is missing, and adds no row', async (t) => {
  const file = join(temporaryFolder(t), 'shop.db');
  const application = new DatabaseSync(file);
  t.after(() => application.close());
  application.exec(`
    CREATE TABLE fit (badge INTEGER, at TEXT);
    CREATE TABLE narrow (badge INTEGER);
    CREATE TABLE strict (id INTEGER PRIMARY KEY, badge INTEGER NOT NULL, at TEXT, door TEXT NOT NULL);
  `);
  const into = (table: string) => ({ database: 'shop', table, columns });
  const found = await lookAtDatabases(
    configOf({
      databases: { shop: `sqlite:${file}` },
      channels: { 'door:*': { into: into('fit') } },
      sinks: Object.fromEntries(['narrow', 'none', 'strict'].map((table) => [table, { from: 'a', into: into(table) }])),
    }),
  );
  assert.deepEqual(
    found.map(({ level, about }) => `${level} ${about}`),
    ['problem sink narrow', 'problem sink none', 'warning sink strict', 'ok sink channels.door:*'],
  );
  assert.match(found[0]!.sentence, /narrow of .* has no column at; its columns are badge$/);
  assert.match(found[1]!.sentence, /none of .*: there is no such table$/);
  assert.match(found[2]!.sentence, /the column door must have a value/);
  assert.deepEqual(application.prepare("SELECT name FROM sqlite_schema WHERE name = 'zocalo_sinks'").all(), []);
  for (const table of ['fit', 'narrow', 'strict'])
    assert.equal(application.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n, 0);
});

for (const { name, skip, start, login, tables } of [
  {
    name: 'MariaDB',
    skip: missing(...MARIADB),
    start: startMariadb,
    login: "CREATE USER zocalo@'127.0.0.1' IDENTIFIED BY 'secret'",
    tables: [
      'CREATE TABLE accesses (badge BIGINT, at DATETIME(3))',
      'CREATE TABLE old (badge BIGINT, at DATETIME(3)) ENGINE=MyISAM',
    ],
  },
  {
    name: 'Postgres',
    skip: noPostgres,
    start: startPostgres,
    login: "CREATE ROLE zocalo LOGIN PASSWORD 'secret'",
    tables: ['CREATE TABLE accesses (badge bigint, at timestamptz)'],
  },
])
  test(`what the doctor says of a sink in ${name} is what makes it work, right for right`, { skip }, async (t) => {
    const server = await start(t);
    const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
    t.after(() => session.close());
    for (const text of [login, ...tables]) await session.query(text);
    const database = server.address.replace('//root@', '//zocalo:secret@');
    const look = (table = 'accesses') =>
      lookAtDatabases(configOf({ sinks: { doors: { from: 'a', into: { database, table, columns } } } }));
    // MariaDB lets nobody in who has no right in the database.
    if (name === 'MariaDB') await session.query("GRANT SELECT ON shop.accesses TO zocalo@'127.0.0.1'");
    const first = await look();
    assert.deepEqual(
      first.map(({ level }) => level),
      ['problem', 'problem'],
    );
    assert.match(first[0]!.sentence, /accesses of .*: the user of the sink may not insert rows/);
    assert.match(first[1]!.sentence, /zocalo_sinks of .* cannot be used, nor made by the user of the sink/);
    assert.ok(!JSON.stringify(first).includes('secret'));
    for (const { fix } of first) {
      const [, statements] = /^run as its administrator: (.*)$/.exec(fix!)!;
      for (const text of statements!.split('; ')) await session.query(text);
    }
    assert.deepEqual(
      (await look()).map(({ level, about }) => `${level} ${about}`),
      ['ok sink doors'],
    );
    for (const table of ['accesses', 'zocalo_sinks'])
      assert.equal(Number((await session.query(`SELECT count(*) AS n FROM ${table}`))[0]!.n), 0);
    const who = name === 'MariaDB' ? "zocalo@'127.0.0.1'" : 'zocalo';
    await session.query('CREATE TABLE strict (id INTEGER DEFAULT 1, badge BIGINT, at DATE, door VARCHAR(9) NOT NULL)');
    await session.query(`GRANT INSERT ON strict TO ${who}`);
    assert.match((await look('strict'))[0]!.sentence, /door/);
    await session.query("ALTER TABLE strict ALTER COLUMN door SET DEFAULT 'main'");
    assert.equal((await look('strict'))[0]!.level, 'ok');
    if (name === 'MariaDB') {
      await session.query("GRANT INSERT ON shop.old TO zocalo@'127.0.0.1'");
      const [old] = await look('old');
      assert.equal(old!.level, 'warning');
      assert.match(old!.sentence, /MyISAM has no transactions/);
    }
    await server.stop();
    assert.match((await look())[0]!.sentence, /ECONNREFUSED/);
  });
