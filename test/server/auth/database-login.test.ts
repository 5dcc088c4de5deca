import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { Users } from '../../../src/server/auth/index.ts';
import { dialectOf } from '../../../src/sources/index.ts';
import { configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { MARIADB, startMariadb } from '../../support/mariadb.ts';
import { missing } from '../../support/need.ts';
import { CHEAP, noArgon2, phpHash } from '../../support/php-hash.ts';
import { noPostgres, startPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { fileOf, openAuth, SECRET } from './auth-fixture.ts';

const PASSWORD = 'correct horse battery';
const ADDRESS = '192.0.2.7';
const USER = 'zocalo_login';

interface Kind {
  readonly name: string;
  readonly skip: string | false;
  readonly start: (t: Pick<TestContext, 'after'>) => Promise<DatabaseServer>;
  /** A user of the database who may read these columns and nothing else, as docs/databases.md has it. */
  readonly grants: readonly string[];
  /** Whether names are found without regard to case. */
  readonly ignoresCase: boolean;
}

const COLUMNS = 'id, email, password, can, banned_at';
const KINDS: readonly Kind[] = [
  {
    name: 'mariadb',
    skip: missing(...MARIADB),
    start: startMariadb,
    grants: [
      `CREATE USER ${USER}@'127.0.0.1' IDENTIFIED BY 'secret'`,
      `GRANT SELECT (${COLUMNS}) ON shop.users TO ${USER}@'127.0.0.1'`,
    ],
    ignoresCase: true,
  },
  {
    name: 'postgres',
    skip: noPostgres,
    start: startPostgres,
    grants: [`CREATE ROLE ${USER} LOGIN PASSWORD 'secret'`, `GRANT SELECT (${COLUMNS}) ON users TO ${USER}`],
    ignoresCase: false,
  },
  { name: 'sqlite', skip: false, start: sqliteFile, grants: [], ignoresCase: false },
];

/** A file is a server that cannot be stopped. */
async function sqliteFile(t: Pick<TestContext, 'after'>): Promise<DatabaseServer> {
  const file = join(temporaryFolder(t), 'shop.db');
  writeFileSync(file, '');
  return { address: `sqlite:${file}`, start: async () => {}, stop: async () => {} };
}

for (const { name, skip: noDatabase, start, grants, ignoresCase } of KINDS) {
  const skip = noDatabase || noArgon2;
  const ends: (() => unknown)[] = [];
  let server: DatabaseServer;

  const run = async (...texts: string[]) => {
    const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
    for (const text of texts) await session.query(text);
    session.close();
  };
  /** The least rights that a login needs. */
  const users = () => ({
    database: server.address.replace('//root@', `//${USER}:secret@`),
    table: 'users',
    columns: { name: 'email', user: 'id', can: 'can', disabled: 'banned_at' },
  });

  before(async () => {
    if (skip) return;
    server = await start({ after: (end) => void ends.push(end as () => unknown) });
    const row = (id: string, email: string, hash: string, rest = 'NULL, NULL') =>
      `INSERT INTO users VALUES (${id}, '${email}', '${hash}', 'a card number', ${rest})`;
    await run(
      `CREATE TABLE users (id BIGINT PRIMARY KEY, email VARCHAR(255) UNIQUE, password VARCHAR(255),
        card TEXT, can TEXT, banned_at TIMESTAMP NULL)`,
      row('1', 'ana@example.org', phpHash(PASSWORD), `'["sub:chat:*"]', NULL`),
      row('2', 'luis@example.org', phpHash(PASSWORD, 'PASSWORD_ARGON2ID', CHEAP)),
      row('3', 'eva@example.org', phpHash(PASSWORD, 'PASSWORD_ARGON2I', CHEAP)),
      row('4', 'banned@example.org', phpHash(PASSWORD), "NULL, '2026-11-25 10:00:00'"),
      row('5', "o''neill@example.org", phpHash(PASSWORD)),
      row('9007199254740993', 'large@example.org', phpHash(PASSWORD)),
      ...grants,
    );
  });
  after(async () => {
    for (const end of ends) await end();
  });

  test(`${name}: a user of the application's table logs in with the password that PHP hashed`, { skip }, async (t) => {
    const { auth } = await openAuth(t, { login: { users: users() } });
    for (const [email, user] of [
      ['ana@example.org', '1'],
      ['luis@example.org', '2'],
      ['eva@example.org', '3'],
      ["o'neill@example.org", '5'],
      ['large@example.org', '9007199254740993'],
    ] as const) {
      const session = await auth.login(email, PASSWORD, ADDRESS);
      assert.equal(session.user, user);
      assert.equal((await auth.connect({ token: session.token, request: undefined })).user, user);
      await assert.rejects(auth.login(email, `${PASSWORD}!`, ADDRESS), { code: 'UNAUTHORIZED' });
    }
    const rights = { subscribe: ['chat:*'], publish: [], presence: [] };
    assert.deepEqual((await auth.login('ana@example.org', PASSWORD, ADDRESS)).rights, rights);
  });

  test(`${name}: names that are not in the table, and a user who is banned, are refused alike`, { skip }, async (t) => {
    const { auth } = await openAuth(t, { login: { users: users() } });
    for (const email of [
      'nobody@example.org',
      'banned@example.org',
      'ana@example.org ',
      "' OR ''='",
      '\\',
      "\\' OR 1=1 -- ",
      '%',
      '1',
    ])
      await assert.rejects(auth.login(email, PASSWORD, `198.51.100.${email.length}`), {
        code: 'UNAUTHORIZED',
        message: /^no such user and password/,
      });
    const shouted = auth.login('ANA@example.org', PASSWORD, '203.0.113.1');
    if (ignoresCase) assert.equal((await shouted).user, '1');
    else await assert.rejects(shouted, { code: 'UNAUTHORIZED' });
  });

  test(`${name}: failures slow the next attempts, however the name is written`, { skip }, async (t) => {
    const { auth } = await openAuth(t, { login: { users: users() } });
    for (const [at, email] of ['ana', 'Ana', 'aNa', 'anA', 'ANA'].entries()) {
      const failed = auth.login(`${email}@example.org`, 'wrong', `198.51.100.${at}`);
      await assert.rejects(failed, { code: 'UNAUTHORIZED' });
    }
    const next = auth.login('ana@example.org', PASSWORD, '203.0.113.1');
    await assert.rejects(next, { code: 'RATE_LIMITED', retryAfter: 1_000 });
  });

  test(`${name}: a revocation holds, though nothing is written to the application's database`, { skip }, async (t) => {
    const { auth, clock } = await openAuth(t, { login: { users: users() } });
    const { token } = await auth.login('ana@example.org', PASSWORD, ADDRESS);
    clock.advance(1);
    auth.revoke('1');
    await assert.rejects(auth.connect({ token, request: undefined }), { reason: 'TOKEN_REVOKED' });
  });

  test(`${name}: a missing table grants no login, and is reported`, { skip }, async (t) => {
    const { auth, log } = await openAuth(t, { login: { users: { ...users(), table: 'people' } } });
    await assert.rejects(auth.login('ana@example.org', PASSWORD, ADDRESS), { code: 'UNAVAILABLE' });
    assert.deepEqual(auth.health(), { ok: false, error: 'DATABASE_FAILED' });
    assert.match(log.text, /error the users of the login cannot be read, so nobody can log in .*people/);
    assert.ok(!log.text.includes('secret'));
  });

  test(`${name}: a database that is named is found, and followed when a reload gives it another address`, {
    skip,
  }, async (t) => {
    const configWith = (main: string) => ({
      secret: SECRET,
      databases: { main },
      auth: { login: { users: { ...users(), database: 'main' } } },
    });
    const { daemon, call } = await startDaemon(t, configWith(`sqlite:${fileOf(t, 'absent.db')}`));
    const login = async () =>
      (await call('POST', '/api/login', { user: 'ana@example.org', password: PASSWORD }, '')).status;
    assert.equal(await login(), 503);
    await daemon.reload(configOf({ ...configWith(users().database), listen: daemon.config.listen }));
    assert.equal(await login(), 200);
  });

  test(`${name}: a reload goes from the daemon's own table to the application's, and back`, { skip }, async (t) => {
    const file = fileOf(t, 'users.db');
    const { auth } = await openAuth(t, { login: { users: file } });
    const come = (email: string) =>
      auth.login(email, PASSWORD, ADDRESS).then(
        ({ user }) => user,
        ({ code }) => code,
      );
    const own = new Users(file);
    await own.open();
    await own.add('own', PASSWORD);
    own.close();
    const use = (users: object | string) =>
      auth.reload(configOf({ secret: SECRET, auth: { login: { users } as never } }));
    assert.deepEqual([await come('own'), await come('ana@example.org')], ['own', 'UNAUTHORIZED']);
    await use(users());
    assert.deepEqual([await come('own'), await come('ana@example.org')], ['UNAUTHORIZED', '1']);
    await use(file);
    assert.deepEqual([await come('own'), await come('ana@example.org')], ['own', 'UNAUTHORIZED']);
  });

  if (name === 'sqlite') continue;

  test(`${name}: a column without the right to read it grants no login`, { skip }, async (t) => {
    const columns = { ...users().columns, name: 'card' };
    const { auth } = await openAuth(t, { login: { users: { ...users(), columns } } });
    await assert.rejects(auth.login('a card number', PASSWORD, ADDRESS), { code: 'UNAVAILABLE' });
    assert.deepEqual(auth.health(), { ok: false, error: 'DATABASE_FAILED' });
  });

  test(`${name}: while the database is down nobody logs in, existing sessions stay, and logins work when it is back`, {
    skip,
  }, async (t) => {
    const { url, call, log, client } = await startDaemon(t, {
      secret: SECRET,
      channels: { news: { publish: 'everyone' } },
      auth: { login: { users: users() } },
    });
    const login = (password = PASSWORD) => call('POST', '/api/login', { user: 'luis@example.org', password }, '');
    const { token } = (await login()).body;
    assert.deepEqual((await call('GET', '/health')).body, { ok: true, login: { ok: true } });
    await server.stop();
    const down = await login();
    assert.deepEqual([down.status, down.body.code], [503, 'UNAVAILABLE']);
    assert.equal((await login('wrong')).body.code, 'UNAVAILABLE');
    const health = (await call('GET', '/health')).body;
    assert.deepEqual(health, { ok: true, login: { ok: false, error: 'DATABASE_UNREACHABLE' } });
    assert.match(log.text, /error the users of the login cannot be read, so nobody can log in/);
    const known = client({ token });
    const heard: unknown[] = [];
    known.subscribe('news', { recent: 1 }).on('message', ({ data }) => void heard.push(data));
    assert.equal((await fetch(`${url}/health`)).status, 200);
    await known.publish('news', 'as ever');
    await until(() => heard.length === 1, 'the user with a token was served');
    await server.start();
    await until(async () => (await login()).status === 200, 'the user could log in again');
    assert.deepEqual((await call('GET', '/health')).body, { ok: true, login: { ok: true } });
  });

  test(`${name}: connections that the server has ended are replaced, and no login fails`, { skip }, async (t) => {
    const { auth } = await openAuth(t, { login: { users: users() } });
    await auth.login('ana@example.org', PASSWORD, ADDRESS);
    await server.stop();
    await server.start();
    assert.equal((await auth.login('ana@example.org', PASSWORD, ADDRESS)).user, '1');
  });
}
