import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Users } from '../../../src/server/auth/index.ts';
import { COST, type Scrypt, systemScrypt } from '../../../src/server/auth/password.ts';
import { turn } from '../../support/turn.ts';
import { fileOf, forge, handshake, openAuth, refused } from './auth-fixture.ts';

const PASSWORD = 'correct horse battery';
const ADDRESS = '192.0.2.7';

/** Costs nothing, counts its calls, and stands still when it is told to. */
function countingScrypt() {
  const calls: string[] = [];
  let gate: Promise<void> | undefined;
  const scrypt: Scrypt = async (password, _salt, cost) => {
    calls.push(`${cost.n} ${cost.r} ${cost.p}`);
    await gate;
    return Buffer.from(password.padEnd(32).slice(0, 32));
  };
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return () => {
      gate = undefined;
      resolve();
    };
  };
  return { scrypt, calls, hold };
}

async function openLogin(t: TestContext, options: { anonymous?: boolean } = {}) {
  const file = fileOf(t, 'users.db');
  const { scrypt, calls, hold } = countingScrypt();
  const opened = await openAuth(t, { ...options, login: { users: file } }, { scrypt });
  const users = new Users(file, { scrypt, now: opened.now });
  t.after(() => users.close());
  await users.open();
  await users.add('ana', PASSWORD, { subscribe: ['chat:*'] });
  calls.length = 0;
  return { ...opened, file, users, calls, hold };
}

const login = (user: string, password: string, request = handshake()) => ({
  token: undefined,
  login: { user, password },
  request,
});

test('the right password gives access, and a token to reconnect with', async (t) => {
  const { auth, clock } = await openLogin(t);
  const session = await auth.login('ana', PASSWORD, ADDRESS);
  assert.equal(session.user, 'ana');
  assert.equal(session.expiresIn, 12 * 3_600_000);
  assert.deepEqual(session.rights, { subscribe: ['chat:*'], publish: [], presence: [] });
  assert.equal((await auth.connect(login('ana', PASSWORD)))?.user, 'ana');
  clock.advance(3_600_000);
  const back = await auth.connect({ token: session.token, request: undefined });
  assert.deepEqual(back, { user: 'ana', rights: session.rights, expiresIn: 11 * 3_600_000 });
});

test('a wrong password, an unknown user and a disabled one cost the same work and get the same answer', async (t) => {
  const { auth, users, calls } = await openLogin(t);
  await users.add('luis', PASSWORD);
  users.setDisabled('luis', true);
  calls.length = 0;
  const answers = new Set<string>();
  for (const [user, password] of [
    ['ana', 'wrong'],
    ['nobody', PASSWORD],
    ['luis', PASSWORD],
    ['ana', ''],
  ] as const) {
    await auth.login(user, password, ADDRESS).catch(({ code, message }) => answers.add(`${code} ${message}`));
    await refused(auth, login(user, password), 'LOGIN_FAILED');
  }
  assert.deepEqual([...answers], ['UNAUTHORIZED no such user and password']);
  assert.deepEqual(calls, Array(8).fill(`${COST.n} ${COST.r} ${COST.p}`));
});

test('a wrong password does not make an anonymous user, even where anonymous users are accepted', async (t) => {
  const { auth } = await openLogin(t, { anonymous: true });
  await refused(auth, login('ana', 'wrong'), 'LOGIN_FAILED');
});

test('credentials that nobody can have are refused without any work', async (t) => {
  const { auth, calls } = await openLogin(t);
  for (const [user, password] of [
    [undefined, 'x'],
    ['ana', null],
    [{}, 'x'],
    ['', 'x'],
    ['ana', ['x']],
    ['x'.repeat(256), 'x'],
    ['ana\n', 'x'],
  ])
    await assert.rejects(auth.login(user, password, ADDRESS), { code: 'UNAUTHORIZED', reason: 'LOGIN_FAILED' });
  assert.equal(calls.length, 0);
  await assert.rejects(auth.login('x'.repeat(255), 'x', ADDRESS), { code: 'UNAUTHORIZED' });
  assert.equal(calls.length, 1);
});

test('passwords with the same beginning differ, however long they are', async (t) => {
  const { auth, users } = await openLogin(t);
  const longest = 'x'.repeat(1_024);
  await users.add('luis', longest);
  await assert.rejects(auth.login('luis', `${longest}x`, ADDRESS), { code: 'UNAUTHORIZED' });
  assert.equal((await auth.login('luis', longest, ADDRESS)).user, 'luis');
});

test('after failures each attempt must wait longer, and one that comes too early costs no work', async (t) => {
  const { auth, clock, calls, log } = await openLogin(t);
  const tryIt = (password: string, address: string) =>
    auth.login('ana', password, address).catch(({ code, retryAfter }) => [code, retryAfter]);
  for (let n = 0; n < 5; n++) assert.deepEqual(await tryIt('wrong', `192.0.2.${n}`), ['UNAUTHORIZED', undefined]);
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    calls.length = 0;
    // Even the right one, and from elsewhere.
    assert.deepEqual(await tryIt(PASSWORD, '198.51.100.1'), ['RATE_LIMITED', pause]);
    assert.equal(calls.length, 0);
    clock.advance(pause);
    assert.deepEqual(await tryIt('wrong', '192.0.2.1'), ['UNAUTHORIZED', undefined]);
  }
  assert.match(log.text, /warn a login was refused unchecked.*"address":"198\.51\.100\.1"/);
  clock.advance(60_000);
  assert.equal((await auth.login('ana', PASSWORD, ADDRESS)).user, 'ana');
  assert.deepEqual(await tryIt('wrong', ADDRESS), ['UNAUTHORIZED', undefined]);
});

test('failures add up while less than a quarter of an hour lies between them, however long the process has run', async (t) => {
  const { auth, clock } = await openLogin(t);
  const fail = () => assert.rejects(auth.login('ana', 'wrong', ADDRESS), { code: 'UNAUTHORIZED' });
  for (let n = 0; n < 6; n++) {
    clock.advance(15 * 60_000);
    await fail();
  }
  for (let n = 0; n < 4; n++) {
    clock.advance(15 * 60_000 - 1);
    await fail();
  }
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'RATE_LIMITED', retryAfter: 1_000 });
});

test('an address that tries one user after another is slowed, and other addresses are not', async (t) => {
  const { auth } = await openLogin(t);
  for (let n = 0; n < 20; n++) await assert.rejects(auth.login(`user${n}`, 'x', ADDRESS), { code: 'UNAUTHORIZED' });
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'RATE_LIMITED', retryAfter: 1_000 });
  assert.equal((await auth.login('ana', PASSWORD, '198.51.100.1')).user, 'ana');
});

test('successful logins do not slow their address', async (t) => {
  const { auth } = await openLogin(t);
  for (let n = 0; n < 25; n++) assert.equal((await auth.login('ana', PASSWORD, ADDRESS)).user, 'ana');
  for (let n = 0; n < 20; n++) await assert.rejects(auth.login(`user${n}`, 'x', ADDRESS), { code: 'UNAUTHORIZED' });
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'RATE_LIMITED' });
});

test('a network of IPv6 counts as one address', async (t) => {
  const { auth } = await openLogin(t);
  for (let n = 0; n < 20; n++)
    await assert.rejects(auth.login(`user${n}`, 'x', `2001:db8::${n}`), { code: 'UNAUTHORIZED' });
  await assert.rejects(auth.login('ana', PASSWORD, '2001:db8::ffff'), { code: 'RATE_LIMITED' });
  assert.equal((await auth.login('ana', PASSWORD, '2001:db8:0:1::1')).user, 'ana');
});

test('many simultaneous attempts count as many', async (t) => {
  const { auth, calls } = await openLogin(t);
  const tries = Array.from({ length: 30 }, () => auth.login('ana', 'wrong', ADDRESS).catch(({ code }) => code));
  const codes = await Promise.all(tries);
  assert.equal(codes.filter((code) => code === 'UNAUTHORIZED').length, 5);
  assert.equal(calls.length, 5);
});

test('two checks run at a time, some wait, further ones are told to try again, and all have a time limit', async (t) => {
  const { auth, calls, hold, clock } = await openLogin(t);
  const release = hold();
  const codes: string[] = [];
  const tries = Array.from({ length: 40 }, (_, n) =>
    auth.login(`user${n}`, 'x', `192.0.2.${n}`).catch(({ code, retryAfter }) => codes.push(`${code} ${retryAfter}`)),
  );
  await turn();
  assert.equal(calls.length, 2);
  assert.deepEqual(codes, Array(6).fill('UNAVAILABLE 2000'));
  clock.advance(5_000);
  await Promise.all(tries);
  assert.deepEqual(codes, Array(40).fill('UNAVAILABLE 2000'));
  release();
  await turn();
  assert.equal(calls.length, 2, 'nobody waits for the others any more');
  assert.equal((await auth.login('ana', PASSWORD, ADDRESS)).user, 'ana');
});

test('a login that could not be checked does not count as a failure', async (t) => {
  const { auth, hold, clock } = await openLogin(t);
  for (let n = 0; n < 10; n++) {
    const release = hold();
    const late = assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'UNAVAILABLE' });
    await turn();
    clock.advance(5_000);
    await late;
    release();
    await turn();
  }
  assert.equal((await auth.login('ana', PASSWORD, ADDRESS)).user, 'ana');
});

test('what was typed appears in no log and in no error', async (t) => {
  const { auth, log } = await openLogin(t);
  const errors: unknown[] = [];
  for (let n = 0; n < 8; n++) {
    await auth.login('ana', 'my-real-password', ADDRESS).catch((error) => errors.push(error));
    await auth.login('typed-in-the-wrong-field', 'x', ADDRESS).catch((error) => errors.push(error));
  }
  const { token } = await auth.login('ana', PASSWORD, '198.51.100.1').catch((error) => {
    errors.push(error);
    return { token: 'none' };
  });
  const written = `${log.text}\n${errors.map((error) => `${(error as Error).stack}${JSON.stringify(error)}`).join('\n')}`;
  assert.match(log.text, /a login failed.*"user":"ana"/);
  assert.match(log.text, /a login of an unknown user failed/);
  for (const secret of ['my-real-password', 'typed-in', PASSWORD, token])
    assert.ok(!written.includes(secret) || secret === 'none');
});

test('revoking refuses the tokens issued so far, and no later ones, also after a restart', async (t) => {
  const { auth, users, clock, now, log } = await openLogin(t);
  const { token } = await auth.login('ana', PASSWORD, ADDRESS);
  const come = async (token: string) => (await auth.connect({ token, request: undefined })).user;
  assert.equal(await come(token), 'ana');
  clock.advance(1);
  auth.revoke('ana');
  assert.match(log.text, /^info the tokens of a user were revoked \{"user":"ana"\}$/m);
  await refused(auth, { token, request: undefined }, 'TOKEN_REVOKED');
  clock.advance(1);
  assert.equal(await come((await auth.login('ana', PASSWORD, ADDRESS)).token), 'ana');
  users.close();
  await users.open();
  assert.equal(users.revokedAt('ana'), now() - 1);
});

test('another process that disables, removes or changes a user ends their tokens', async (t) => {
  const { auth, users, clock } = await openLogin(t);
  const come = async (token: string) => (await auth.connect({ token, request: undefined })).user;
  for (const change of [
    () => users.setRights('ana', undefined),
    () => users.setPassword('ana', PASSWORD),
    () => users.setDisabled('ana', true),
    () => users.remove('ana'),
  ]) {
    users.setDisabled('ana', false);
    clock.advance(1);
    const { token } = await auth.login('ana', PASSWORD, ADDRESS);
    assert.equal(await come(token), 'ana');
    assert.equal(await change(), true);
    await refused(auth, { token, request: undefined }, 'TOKEN_REVOKED');
  }
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'UNAUTHORIZED' });
});

test('when a password is changed during its check, the new one counts', async (t) => {
  const { auth, users, hold, file } = await openLogin(t);
  const release = hold();
  const late = assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'UNAUTHORIZED' });
  await turn();
  users.remove('ana');
  const other = new Users(file, { scrypt: countingScrypt().scrypt });
  t.after(() => other.close());
  await other.open();
  await other.add('ana', 'another password');
  release();
  await late;
  assert.equal((await auth.login('ana', 'another password', ADDRESS)).user, 'ana');
});

test('a token without a time of issue is refused once its user was revoked', async (t) => {
  const { auth } = await openAuth(t, {});
  const [ana, luis] = ['ana', 'luis'].map((sub) => forge({ alg: 'HS256' }, { sub }));
  auth.revoke('ana');
  await refused(auth, { token: ana, request: undefined }, 'TOKEN_REVOKED');
  assert.equal((await auth.connect({ token: luis, request: undefined }))?.user, 'luis');
});

test('without a users table, a revocation lasts until the end of the process', async (t) => {
  const { auth, clock } = await openAuth(t, {});
  const token = await auth.mint({ user: 'ana' });
  clock.advance(1);
  auth.revoke('ana');
  await refused(auth, { token, request: undefined }, 'TOKEN_REVOKED');
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'NOT_OFFERED' });
});

test('a table whose file was deleted or replaced stores nothing and returns nothing', async (t) => {
  const file = fileOf(t, 'users.db');
  const users = new Users(file);
  t.after(() => users.close());
  await users.open();
  await users.add('ana', PASSWORD);
  rmSync(file);
  const gone = { code: 'STORE_FAILED', message: /was deleted or replaced while it was in use/ };
  assert.throws(() => users.revoke('ana'), gone);
  await assert.rejects(users.verify('ana', PASSWORD), gone);
  const another = new Users(file);
  t.after(() => another.close());
  await another.open();
  assert.throws(() => users.list(), gone);
});

test('the table stores scrypt hashes with their cost, in a file for its owner alone', async (t) => {
  const file = fileOf(t, 'users.db');
  const users = new Users(file);
  t.after(() => users.close());
  await users.open();
  await users.add('ana', PASSWORD);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('SELECT * FROM users').get() as Record<string, unknown> & { salt: Uint8Array };
  database.close();
  assert.deepEqual([row.n, row.r, row.p, row.salt.length], [32_768, 8, 3, 16]);
  assert.deepEqual(row.hash, new Uint8Array(await systemScrypt(PASSWORD, row.salt, COST)));
  assert.ok((await users.verify('ana', PASSWORD)).user && !(await users.verify('ana', 'wrong')).user);
  assert.deepEqual(users.list(), [{ user: 'ana', rights: undefined, disabled: false, created: row.created }]);
});

test('an invalid user is not added', async (t) => {
  const { users } = await openLogin(t);
  for (const [user, password] of [
    ['', PASSWORD],
    ['x'.repeat(256), PASSWORD],
    ['luis', 'x'.repeat(7)],
    ['luis', 'x'.repeat(1_025)],
    ['ana', PASSWORD],
  ] as const)
    await assert.rejects(users.add(user, password), { code: 'BAD_OPTION' });
  assert.equal(users.list().length, 1);
  await users.add('luis', 'x'.repeat(8));
  assert.deepEqual(
    users.list().map(({ user }) => user),
    ['ana', 'luis'],
  );
  assert.equal(users.remove('nobody'), false);
});

test('a file that is not a users table is refused, and left unchanged', async (t) => {
  const file = fileOf(t, 'users.db');
  writeFileSync(file, 'hola '.repeat(1_000));
  await assert.rejects(new Users(file).open(), { code: 'STORE_FAILED' });
  const other = fileOf(t, 'other.db');
  const database = new DatabaseSync(other);
  database.exec('CREATE TABLE theirs (a)');
  database.close();
  await assert.rejects(new Users(other).open(), { code: 'STORE_FAILED', message: /another program/ });
  await assert.rejects(new Users('/nowhere/users.db').open(), { code: 'STORE_FAILED' });
});

test('a users table that fails accepts nobody, and tells clients to try again', async (t) => {
  const file = fileOf(t, 'users.db');
  const { auth, log } = await openAuth(t, { login: { users: file } }, { scrypt: countingScrypt().scrypt });
  const token = await auth.mint({ user: 'ana' });
  const database = new DatabaseSync(file);
  database.exec('DROP TABLE users; DROP TABLE revocations');
  database.close();
  await assert.rejects(auth.login('ana', PASSWORD, ADDRESS), { code: 'UNAVAILABLE', retryAfter: 2_000 });
  await assert.rejects(auth.connect({ token, request: undefined }), { code: 'UNAVAILABLE' });
  assert.match(log.text, /error a login could not be checked/);
  assert.match(log.text, /error a token could not be checked/);
  assert.ok(!log.text.includes('auth.jwt.jwks'), 'no other part is said to have failed');
});

test('a login without a secret is refused at the start', async (t) => {
  const users = fileOf(t, 'users.db');
  await assert.rejects(openAuth(t, { login: { users } }, { secret: null }), { code: 'BAD_OPTION', message: /secret/ });
});

test('a table that is closed may be closed again', async (t) => {
  const users = new Users(fileOf(t, 'users.db'));
  users.close();
  await users.open();
  users.close();
  users.close();
});

test('a table that is not open says so, and one that is closed leaves nothing beside its file', async (t) => {
  const file = fileOf(t, 'users.db');
  const users = new Users(file, { scrypt: countingScrypt().scrypt });
  const isClosed = { code: 'STORE_FAILED', message: /users\.db cannot be used: it is not open/ };
  assert.throws(() => users.list(), isClosed);
  await users.open();
  await users.add('ana', PASSWORD);
  users.close();
  assert.deepEqual([existsSync(`${file}-wal`), existsSync(`${file}-shm`)], [false, false]);
  assert.throws(() => users.list(), isClosed);
  const database = new DatabaseSync(file, { readOnly: true });
  t.after(() => database.close());
  // A later version must be able to tell the files of this one.
  assert.deepEqual({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 1 });
});

test('a user who is revoked during the check of the password gets no session', async (t) => {
  const { auth, hold } = await openLogin(t);
  const release = hold();
  const session = auth.login('ana', PASSWORD, ADDRESS);
  await turn();
  auth.revoke('ana');
  release();
  await assert.rejects(session, { code: 'UNAVAILABLE' });
  assert.equal((await auth.login('ana', PASSWORD, ADDRESS)).user, 'ana');
});
