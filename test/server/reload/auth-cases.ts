import { generateKeyPairSync } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Users } from '../../../src/server/auth/index.ts';
import { application, fileOf, forge, handshake, START } from '../auth/doors.ts';
import { type Cases, PASSWORD } from './place.ts';

const SECRET = 's'.repeat(40);
const HS = { alg: 'HS256', typ: 'JWT' };
const RS = { alg: 'RS256', typ: 'JWT' };
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [one, other] = [pair(), pair()];
const pem = ({ publicKey }: typeof one) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const claims = { sub: 'ana', iss: 'a', aud: 'a' };
const hooked = (url: string) => ({ auth: { hook: { url } } });

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
  'auth.login.users': async (t) => ({
    base: { secret: SECRET },
    values: [await usersFile(t), fileOf(t, 'nobody.db')],
    sees: ['ana', 'UNAUTHORIZED'],
    look: async (place) => {
      const { user, code } = await place.login();
      return user ?? code;
    },
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
  'auth.hook.url': async (t) => {
    const says = (user: string) => application(t, (_, response) => response.end(JSON.stringify({ user })));
    return { values: [await says('ana'), await says('luis')], sees: ['ana', 'luis'], look: (place) => place.enter() };
  },
  'auth.hook.headers': async (t) => {
    const url = await application(t, ({ headers }, response) =>
      response.end(JSON.stringify({ user: headers.cookie ?? headers['x-session'] })),
    );
    return {
      base: hooked(url),
      values: [['cookie'], ['x-session']],
      sees: ['ana', 'luis'],
      look: async ({ daemon }) =>
        (await daemon.auth.connect({ token: undefined, request: handshake({ cookie: 'ana', 'x-session': 'luis' }) }))
          .user,
    };
  },
  'auth.hook.timeout': async (t) => ({
    base: hooked(await application(t, () => {})),
    values: ['20ms', '30ms'],
    sees: ['20', '30'],
    look: async (place) => {
      await place.enter();
      return /no answer came within (\d+) ms/.exec(place.lines.at(-1)!)?.[1];
    },
  }),
};

async function usersFile(t: TestContext): Promise<string> {
  const file = fileOf(t, 'users.db');
  const users = new Users(file);
  await users.open();
  await users.add('ana', PASSWORD);
  users.close();
  return file;
}
