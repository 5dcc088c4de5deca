import { generateKeyPairSync } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { Users } from '../../../src/server/auth/index.ts';
import { application, fileOf, forge, START } from '../auth/auth-fixture.ts';
import { type Cases, PASSWORD, type Place } from './place.ts';

const SECRET = 's'.repeat(40);
const HS = { alg: 'HS256', typ: 'JWT' };
const RS = { alg: 'RS256', typ: 'JWT' };
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [one, other] = [pair(), pair()];
const pem = ({ publicKey }: typeof one) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const claims = { sub: 'ana', iss: 'a', aud: 'a' };

export const AUTH_CASES: Cases = {
  secret: {
    values: [SECRET, 't'.repeat(40)],
    sees: ['ana', 'UNAUTHORIZED'],
    look: (place) => place.enter(forge(HS, { sub: 'ana' }, SECRET)),
  },
  'auth.anonymous': {
    base: { secret: SECRET },
    values: [true, false],
    sees: ['a stranger', 'UNAUTHORIZED'],
    look: (place) => place.enter(),
  },
  'auth.jwt.publicKey': {
    values: [pem(one), pem(other)],
    sees: ['ana', 'UNAUTHORIZED'],
    look: (place) => place.enter(forge(RS, claims, one.privateKey)),
  },
  'auth.jwt.jwks': async (t) => {
    const publishing = ({ publicKey }: typeof one) =>
      application(t, (_, response) =>
        response.end(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] })),
      );
    return {
      values: [await publishing(one), await publishing(other)],
      sees: ['ana', 'UNAUTHORIZED'],
      look: (place) => place.enter(forge(RS, claims, one.privateKey)),
    };
  },
  'auth.jwt.algorithms': async (t) => {
    const jwks = await application(t, (_, response) =>
      response.end(
        JSON.stringify({ keys: [{ ...one.publicKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] }),
      ),
    );
    return {
      base: { auth: { jwt: { jwks } } },
      values: [['RS256'], ['ES256']],
      sees: ['ana', 'UNAUTHORIZED'],
      look: (place) => place.enter(forge(RS, claims, one.privateKey)),
    };
  },
  'auth.jwt.issuer': {
    base: { auth: { jwt: { publicKey: pem(one) } } },
    values: ['a', 'b'],
    sees: ['ana', 'UNAUTHORIZED'],
    look: (place) => place.enter(forge(RS, claims, one.privateKey)),
  },
  'auth.jwt.audience': {
    base: { auth: { jwt: { publicKey: pem(one) } } },
    values: ['a', 'b'],
    sees: ['ana', 'UNAUTHORIZED'],
    look: (place) => place.enter(forge(RS, claims, one.privateKey)),
  },
  'auth.jwt.leeway': {
    base: { auth: { jwt: { publicKey: pem(one) } } },
    values: ['5s', '5m'],
    sees: ['UNAUTHORIZED', 'ana'],
    look: (place) => place.enter(forge(RS, { ...claims, exp: START / 1_000 - 60 }, one.privateKey)),
  },
  ...Object.fromEntries(
    (['name', 'password', 'user', 'can', 'disabled'] as const).map((column) => [
      `auth.login.users.columns.${column}`,
      (t: TestContext) => ({
        base: tableOf(t, { name: 'one', password: 'hash', ...(column === 'can' && { user: 'one' }) }),
        values: COLUMNS[column].values,
        sees: COLUMNS[column].sees,
        look: lookAtLogin,
      }),
    ]),
  ),
  'auth.login.users.database': (t) => {
    const base = tableOf(t, { name: 'one', password: 'hash' });
    const empty = tableOf(t, { name: 'one', password: 'hash' }, false);
    const database = ({ auth }: typeof base) => auth.login.users.database;
    return { base, values: [database(base), database(empty)], sees: [seen('ana'), 'UNAUTHORIZED'], look: lookAtLogin };
  },
  'auth.login.users.table': (t) => ({
    base: tableOf(t, { name: 'one', password: 'hash' }),
    values: ['people', 'nobody'],
    sees: [seen('ana'), 'UNAUTHORIZED'],
    look: lookAtLogin,
  }),
  'auth.login.session': async (t) => ({
    base: { secret: SECRET, auth: { login: { users: await usersFile(t) } } },
    values: ['1h', '2h'],
    sees: [3_600_000, 7_200_000],
    look: async (place) => (await place.login()).expiresIn,
  }),
  'auth.login.timeLimit': async (t) => ({
    base: { secret: SECRET, auth: { login: { users: await usersFile(t) } } },
    values: ['50ms', '5s'],
    sees: ['UNAVAILABLE', 'ana'],
    look: async (place) => {
      const answer = place.login();
      place.clock.advance(100);
      const { user, code } = await answer;
      return user ?? code;
    },
  }),
};

const seen = (user: string, rights: object | null = null) => JSON.stringify([user, rights]);
const RIGHTS = { subscribe: ['c:1'], publish: [], presence: [] };

/** Of PASSWORD, by PHP. */
const HASH = '$2y$04$iuW7BQfxLOmPuy2JVa6JruP3MNlx8PmJvOdFKfO2AxsugUVyjFnHC';

/** What is seen with the one column of `tableOf`, and with the other. */
const COLUMNS = {
  name: { values: ['one', 'two'], sees: [seen('ana'), 'UNAUTHORIZED'] },
  password: { values: ['hash', 'none'], sees: [seen('ana'), 'UNAUTHORIZED'] },
  user: { values: ['one', 'two'], sees: [seen('ana'), seen('luis')] },
  can: { values: ['rights', 'none'], sees: [seen('ana', RIGHTS), seen('ana')] },
  disabled: { values: ['none', 'yes'], sees: [seen('ana'), 'UNAUTHORIZED'] },
} as const;

/** A table of an application, with one user or none: ana, or luis in another column. */
function tableOf(t: TestContext, columns: { name: string; password: string }, isFull = true) {
  const file = fileOf(t, 'shop.db');
  const application = new DatabaseSync(file);
  const names = 'one TEXT, two TEXT, hash TEXT, none TEXT, rights TEXT, yes INTEGER';
  application.exec(`CREATE TABLE people (${names}); CREATE TABLE nobody (${names})`);
  if (isFull) application.exec(`INSERT INTO people VALUES ('ana', 'luis', '${HASH}', NULL, '["sub:c:1"]', 1)`);
  application.close();
  return { secret: SECRET, auth: { login: { users: { database: `sqlite:${file}`, table: 'people', columns } } } };
}

const lookAtLogin = async (place: Place): Promise<unknown> => {
  const {
    user,
    rights = null,
    code,
  } = (await place.login()) as Awaited<ReturnType<Place['login']>> & { rights?: object };
  return user === undefined ? code : JSON.stringify([user, rights]);
};

async function usersFile(t: TestContext): Promise<string> {
  const file = fileOf(t, 'users.db');
  const users = new Users(file);
  await users.open();
  await users.add('ana', PASSWORD);
  users.close();
  return file;
}
