import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { DatabaseUsers, type DatabaseUsersParts } from '../../../src/server/auth/database-users.ts';
import { Users } from '../../../src/server/auth/index.ts';
import { ThrottledLog } from '../../../src/server/operations/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { turn } from '../../support/turn.ts';

const CONFIG = {
  database: 'mysql://zocalo:secret@db.example.org/shop',
  table: 'users',
  columns: { name: 'email', password: 'password' },
};
const bcrypt = (cost: string, end = '') => `$2y$${cost}$${end.padStart(21, 'a')}.${'b'.repeat(31)}`;
const ANA = { user: '7', name: 'ana@example.org', password: bcrypt('11', 'ana'), can: null, disabled: null };

type Row = { [column in keyof typeof ANA]: string | null };

/** Users of a table in memory, compared as MySQL does. Every password is `right`. */
async function usersOf(t: TestContext, rows: Row[], isDown = false) {
  const log = new MemoryLog();
  const clock = new FakeClock();
  /** The costs of the hashes that were checked. */
  const costs: string[] = [];
  const place = { isDown, gate: Promise.resolve(), finds: 0 };
  const check = () => {
    if (place.isDown) throw new ZocaloError('DATABASE_UNREACHABLE', 'mysql://db.example.org/shop: it is down');
  };
  const folded = (text: string) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase().trimEnd();
  const parts: DatabaseUsersParts = {
    lookup: {
      async find(_, value) {
        place.finds++;
        check();
        return rows.filter(({ name }) => name !== null && folded(name) === folded(value)) as never;
      },
      async some() {
        check();
        return rows as never;
      },
      close() {},
    },
    hashing: {
      async verify(password, hash) {
        costs.push(hash.slice(0, 7));
        await place.gate;
        return password === 'right';
      },
      close() {},
    },
    revocations: new Users(undefined),
    log: new ThrottledLog(log, clock),
    clock,
  };
  await (parts.revocations as Users).open();
  const users = new DatabaseUsers(CONFIG, parts);
  t.after(() => users.close());
  users.open();
  return { users, rows, place, costs, log, clock };
}

test('the right password gives access as the user of the row, whatever was typed', async (t) => {
  const { users } = await usersOf(t, [{ ...ANA, can: '["sub:chat:*"]' }]);
  const rights = { subscribe: ['chat:*'], publish: [], presence: [] };
  for (const name of ['ana@example.org', 'ANA@example.org'])
    assert.deepEqual(await users.verify(name, 'right'), { known: true, user: { user: '7', rights } });
  assert.deepEqual(await users.verify('ana@example.org', 'wrong'), { known: true, user: undefined });
});

test('unknown users, and those without a usable hash, cost the work of most others', async (t) => {
  const others = ['1', '2', '3'].map((user) => ({ ...ANA, user, name: `user ${user}`, password: bcrypt('12') }));
  const odd = [null, '', 'secret', '5f4dcc3b5aa765d61d8327deb882cf99', bcrypt('31')];
  const without = odd.map((password, at) => ({ ...ANA, user: `w${at}`, name: `without ${at}`, password }));
  const { users, costs, log } = await usersOf(t, [ANA, ...others, ...without]);
  for (const name of ['nobody', 'with\0nul', '\ud800', '.', ...without.map(({ name }) => name)])
    assert.equal((await users.verify(name, 'right')).user, undefined, name);
  assert.deepEqual(costs, Array(9).fill('$2y$12$'));
  assert.match(log.text, /warn the hash of a password cannot be used .*"user":"w1".*"what":"its form is unknown/);
  assert.ok(!log.text.includes('5f4d') && !log.text.includes('"secret"'));
  costs.length = 0;
  await users.verify('ana@example.org', 'wrong');
  assert.deepEqual(costs, ['$2y$11$']);
});

test('a user who is disabled costs the same work and is refused', async (t) => {
  const values = [null, '', '0', 'f', 'false', '\0', '1', 't', 'true', '\x01', '2026-11-25 10:00:00'];
  const rows = values.map((disabled, at) => ({ ...ANA, user: String(at), name: `user ${at}`, disabled }));
  const { users, costs } = await usersOf(t, rows);
  const entered = await Promise.all(rows.map(async ({ name }) => (await users.verify(name, 'right')).user?.user));
  assert.deepEqual(entered, ['0', '1', '2', '3', '4', '5', ...Array(5).fill(undefined)]);
  assert.equal(costs.length, rows.length);
});

test('other accents and spaces are other names, so that all ways to write a name have failures in common', async (t) => {
  const { users } = await usersOf(t, [ANA, { ...ANA, user: '8', name: 'ÁNA@example.org' }]);
  for (const name of ['ana@example.org ', 'anà@example.org', 'ａna@example.org'])
    assert.deepEqual(await users.verify(name, 'right'), { known: false, user: undefined }, name);
  assert.equal((await users.verify('ana@example.org', 'right')).user?.user, '7');
  assert.equal((await users.verify('ána@example.org', 'right')).user?.user, '8');
  assert.equal(users.keyOf('ANA@example.org'), users.keyOf('ana@example.org'));
});

test('of two users with the same name, only an exact match of case logs in', async (t) => {
  const { users } = await usersOf(t, [
    { ...ANA, name: 'ana' },
    { ...ANA, user: '8', name: 'Ana' },
  ]);
  assert.equal((await users.verify('ana', 'right')).user?.user, '7');
  assert.equal((await users.verify('Ana', 'right')).user?.user, '8');
  await assert.rejects(users.verify('ANA', 'right'), /two users/);
});

test('a password that is changed, or a user who is disabled or removed, during the check does not get in', async (t) => {
  for (const change of [{ password: bcrypt('11', 'new') }, { disabled: '1' }, { user: '8' }, { name: 'luis' }]) {
    const { users, rows, place } = await usersOf(t, [ANA]);
    const { promise, resolve } = Promise.withResolvers<void>();
    place.gate = promise;
    const verified = users.verify('ana@example.org', 'right');
    await turn();
    rows[0] = { ...ANA, ...change };
    resolve();
    assert.deepEqual(await verified, { known: true, user: undefined });
  }
});

test('a user without a usable id, or with rights that are none, is an error and no user', async (t) => {
  const { users } = await usersOf(t, [
    { ...ANA, name: 'a', user: null },
    { ...ANA, name: 'b', user: '\x01\x02' },
    { ...ANA, name: 'c', can: 'everything' },
    { ...ANA, name: 'd', can: '["all:*"]' },
  ]);
  for (const name of ['a', 'b', 'c', 'd']) await assert.rejects(users.verify(name, 'right'));
});

test('a revocation of a user of the table is kept', async (t) => {
  const { users } = await usersOf(t, [ANA]);
  assert.equal(users.revokedAt('7'), undefined);
  users.revoke('7');
  assert.equal(typeof users.revokedAt('7'), 'number');
  assert.equal(users.revokedAt('8'), undefined);
});

test('a user without a password is logged as such', async (t) => {
  const { users, log } = await usersOf(t, [{ ...ANA, password: null }]);
  assert.equal((await users.verify(ANA.name, 'right')).user, undefined);
  assert.match(log.text, /warn the hash of a password cannot be used .*"what":"there is none"/);
});

test('while the database is down the log tells once in a while, health tells, and it is tried again', async (t) => {
  const { users, place, log, clock } = await usersOf(t, [ANA]);
  await users.verify('ana@example.org', 'right');
  assert.deepEqual(users.health(), { ok: true, error: undefined });
  place.isDown = true;
  for (let n = 0; n < 40; n++)
    await assert.rejects(users.verify('ana@example.org', 'right'), { code: 'DATABASE_UNREACHABLE' });
  assert.deepEqual(users.health(), { ok: false, error: 'DATABASE_UNREACHABLE' });
  assert.equal(log.lines.filter(({ level }) => level === 'error').length, 10);
  assert.match(
    log.text,
    /error the users of the login cannot be read, so nobody can log in .*"database":"mysql:\/\/db/,
  );
  assert.ok(!log.text.includes('secret'));
  place.isDown = false;
  clock.advance(30_000);
  await turn();
  assert.deepEqual(users.health(), { ok: true, error: undefined });
  assert.match(log.text, /info the users of the login can be read again/);
});

test('a database that is down at the start is found later, and the usual cost with it', async (t) => {
  const { users, place, costs, clock } = await usersOf(t, [ANA], true);
  await assert.rejects(users.verify('nobody', 'x'));
  assert.equal(users.health().ok, false);
  place.isDown = false;
  clock.advance(2_000);
  await turn();
  assert.equal(users.health().ok, true);
  await users.verify('nobody', 'x');
  assert.deepEqual(costs, ['$2y$11$']);
});

test('once it is closed nothing is tried again, and nothing logged', async (t) => {
  const { users, place, log, clock } = await usersOf(t, [ANA]);
  await users.verify('nobody', 'x');
  place.isDown = true;
  users.close();
  await assert.rejects(users.verify('ana@example.org', 'right'));
  assert.equal(clock.pending, 0);
  assert.equal(log.text, '');
});
