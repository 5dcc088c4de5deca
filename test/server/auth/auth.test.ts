import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client } from '../../../src/client/index.ts';
import type { HubOptions } from '../../../src/hub/index.ts';
import type { ProtocolError } from '../../../src/protocol/index.ts';
import { permission, Users } from '../../../src/server/auth/index.ts';
import type { Who } from '../../../src/server/config/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { until } from '../../support/until.ts';
import { HubPeer, serveHub } from '../hub-peer.ts';
import { application, fileOf, forge, openAuth } from './auth-fixture.ts';

const PASSWORD = 'correct horse battery';

/** Each word of the config as a channel of its own, for subscribing and for publishing. */
const CHANNELS = Object.fromEntries(
  (['everyone', 'users', 'granted', 'nobody'] satisfies Who[]).map((who) => [
    who,
    { subscribe: permission(who, 'subscribe', who), publish: permission(who, 'publish', who) },
  ]),
);

/** Hub, server and Auth together, as the daemon has them. */
async function daemon(t: TestContext, config: object, options: Partial<HubOptions> = {}, connect?: object) {
  const opened = await openAuth(t, config, connect && { connect });
  const { hub, url } = await serveHub(t, {
    channels: CHANNELS,
    connect: (visitor) => opened.auth.connect(visitor),
    clock: opened.clock,
    ...options,
  });
  return { ...opened, hub, url };
}

/** What somebody may do in each of the channels: s, p, both, or nothing. */
async function reach(peer: HubPeer): Promise<Record<string, string>> {
  const may: Record<string, string> = {};
  for (const channel of Object.keys(CHANNELS)) {
    const sub = typeof (await peer.ask('sub', channel, {})) === 'object' ? 's' : '';
    const pub = typeof (await peer.ask('pub', channel, 1, {})) === 'object' ? 'p' : '';
    may[channel] = sub + pub;
  }
  return may;
}

test('what a visitor may do depends on the channel, on who they are, and on what their token says', async (t) => {
  const { url, auth } = await daemon(t, {});
  const join = async (token?: string) => reach(await HubPeer.join(t, url, token === undefined ? {} : { token }));
  const mint = (subscribe: string[], publish: string[]) => auth.mint({ user: 'ana', rights: { subscribe, publish } });
  assert.deepEqual(await join(), { everyone: 'sp', users: '', granted: '', nobody: '' });
  assert.deepEqual(await join(await auth.mint({ user: 'ana' })), {
    everyone: 'sp',
    users: 'sp',
    granted: '',
    nobody: '',
  });
  assert.deepEqual(await join(await mint(['*'], ['granted'])), {
    everyone: 's',
    users: 's',
    granted: 'sp',
    nobody: '',
  });
  assert.deepEqual(await join(await mint([], ['*'])), { everyone: 'p', users: 'p', granted: 'p', nobody: '' });
  assert.deepEqual(await join(await mint([], [])), { everyone: '', users: '', granted: '', nobody: '' });
});

test('a refusal by an option of the channel names the option and what it requires', () => {
  const refusals = (['users', 'granted', 'nobody'] as const).flatMap((who) =>
    (['subscribe', 'publish'] as const).map((action) => {
      const may = permission(who, action, 'chat:*') as (caller: object, channel: string) => unknown;
      try {
        return may({ user: undefined, isGranted: () => false }, 'chat:42');
      } catch (error) {
        const { code, message, reason } = error as ProtocolError;
        return [code, reason, message];
      }
    }),
  );
  const option = (sentence: string) => ['FORBIDDEN', 'CHANNEL_OPTION', `channels["chat:*"].${sentence}`];
  const right = (verb: string) =>
    `you need the right ${verb}:chat:42, which your token's "can" (or your login) does not include`;
  assert.deepEqual(refusals, [
    option('subscribe is users, and you are not logged in'),
    option('publish is users, and you are not logged in'),
    ['FORBIDDEN', 'RIGHT_MISSING', right('sub')],
    ['FORBIDDEN', 'RIGHT_MISSING', right('pub')],
    option('subscribe is nobody'),
    option('publish is nobody: only API keys publish here'),
  ]);
});

test('the SDK logs in with user and password, and reconnects with the token that it was given', async (t) => {
  const file = fileOf(t, 'users.db');
  const { url, hub } = await daemon(t, { anonymous: false, login: { users: file } });
  const users = new Users(file);
  t.after(() => users.close());
  await users.open();
  await users.add('ana', PASSWORD, { subscribe: ['granted'] });
  let asked = 0;
  const login = () => {
    asked++;
    return { user: 'ana', password: PASSWORD };
  };
  const client = new Client(url, { login, random: () => 0 });
  t.after(() => client.close());
  const granted = client.subscribe('granted');
  await live(granted);
  assert.deepEqual(hub.users, ['ana']);
  for (const { id } of hub.connections) hub.connection(id)?.end('SHUTTING_DOWN');
  await live(granted);
  assert.equal(asked, 1);
});

function live(feed: { state: string; on(event: 'state', listener: (state: string) => void): unknown }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let wasOther = feed.state !== 'live';
  feed.on('state', (state) => {
    if (state === 'live' && wasOther) resolve();
    wasOther ||= state !== 'live';
  });
  return promise;
}

test('a wrong password is final for the SDK', async (t) => {
  const { url } = await daemon(t, { login: { users: fileOf(t, 'users.db') } });
  const client = new Client(url, { login: () => ({ user: 'ana', password: 'wrong' }), random: () => 0 });
  const { promise, resolve } = Promise.withResolvers<Error>();
  client.on('error', resolve);
  client.open();
  assert.equal(((await promise) as ProtocolError).code, 'UNAUTHORIZED');
  assert.equal(client.state, 'closed');
});

for (const token of [
  'hola',
  forge({ alg: 'none' }, { sub: 'ana' }),
  forge({ alg: 'HS256' }, { sub: 'ana', can: 'all' }),
])
  test(`a bad token ends the connection with UNAUTHORIZED: ${token.slice(0, 12)}`, async (t) => {
    const { url, hub } = await daemon(t, {});
    const peer = await HubPeer.connect(t, url);
    peer.say('hi', 1, { token });
    assert.deepEqual((await peer.next())?.slice(0, 3), ['err', 1, 'UNAUTHORIZED']);
    assert.deepEqual(await peer.next(), ['bye', 'UNAUTHORIZED', { reason: 'TOKEN_INVALID' }]);
    assert.deepEqual(hub.connections, []);
  });

test('an expiring token ends the connection, and a newer one keeps it', async (t) => {
  const { url, auth, clock } = await daemon(t, {});
  const token = () => auth.mint({ user: 'ana', expiresIn: 60_000 });
  const peer = await HubPeer.join(t, url, { token: await token() });
  clock.advance(59_000);
  assert.deepEqual(await peer.ask('auth', await token()), { expiresIn: 60_000 });
  assert.equal(await peer.ask('auth', await auth.mint({ user: 'luis' })), 'UNAUTHORIZED');
  clock.advance(59_000);
  assert.equal(await peer.ask('auth', 'hola'), 'UNAUTHORIZED');
  clock.advance(1_000);
  assert.deepEqual(await peer.until('bye'), ['bye', 'UNAUTHORIZED', { reason: 'TOKEN_EXPIRED' }]);
});

test('a revoked user is disconnected at once, and cannot return with the same token', async (t) => {
  const { url, hub, auth, clock } = await daemon(t, {});
  const token = await auth.mint({ user: 'ana' });
  const peer = await HubPeer.join(t, url, { token });
  clock.advance(1);
  auth.revoke('ana');
  hub.user('ana').disconnect();
  assert.deepEqual(await peer.until('bye'), ['bye', 'CLOSED', {}]);
  const again = await HubPeer.connect(t, url);
  assert.equal(await again.ask('hi', { token }), 'UNAUTHORIZED');
  assert.deepEqual(hub.users, []);
});

test('cookies of the handshake are judged by the application, and when it is down the SDK tries again', async (t) => {
  let isDown = true;
  const hook = await application(t, ({ headers }, response) => {
    response
      .writeHead(isDown ? 503 : 200)
      .end(JSON.stringify({ user: headers.cookie === 'PHPSESSID=1' ? 'ana' : null }));
  });
  const { url, hub } = await daemon(t, { anonymous: false }, {}, { url: hook });
  const come = async (cookie: string) => {
    const client = await connectWebSocket(url, { protocols: ['zocalo.1'], headers: { cookie } });
    t.after(() => client.terminate());
    return new HubPeer(client);
  };
  const ana = await come('PHPSESSID=1');
  ana.say('hi', 1, {});
  const [, , code, , retryAfter] = (await ana.next()) as unknown[];
  assert.deepEqual([code, retryAfter], ['UNAVAILABLE', 3_000]);
  isDown = false;
  assert.equal((await ana.ask('hi', {})).user, 'ana');
  assert.equal(await (await come('PHPSESSID=2')).ask('hi', {}), 'UNAUTHORIZED');
  assert.deepEqual(hub.users, ['ana']);
});

test('a plain WebSocket sends its token in the URL or in a header', async (t) => {
  const { url, hub, auth } = await daemon(t, { anonymous: false });
  const token = await auth.mint({ user: 'ana' });
  for (const [path, headers] of [
    [`/users?token=${token}`, {}],
    ['/users', { authorization: `Bearer ${token}` }],
  ] as const) {
    const client = await connectWebSocket(`${url}${path}`, { headers });
    await until(() => hub.users.length > 0, 'a user is here');
    await hub.publish('users', 'hola');
    for await (const message of client) {
      assert.equal(message, 'hola');
      break;
    }
    await until(() => hub.users.length === 0, 'the user is gone');
  }
  const stranger = await connectWebSocket(`${url}/users`);
  for await (const _ of stranger) assert.fail('a stranger came in');
  assert.equal((await stranger.closed).code, 1008);
});
