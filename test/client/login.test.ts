import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Client } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import type { ProtocolError } from '../../src/protocol/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { startDaemon } from '../support/daemon.ts';
import { setUp } from './set-up.ts';

const LOGIN = { user: 'natalia', password: 'correct horse' };

test('a login is requested once; after a loss the token of the welcome is used', async () => {
  let asked = 0;
  const { hub, client, comeBack } = setUp({ login: () => ({ ...LOGIN, asked: ++asked }) });
  hub.token = 'session';
  client.open();
  await hub.settle();
  assert.equal(client.welcome?.token, 'session');
  hub.cut();
  await comeBack();
  assert.equal(client.state, 'open');
  const hellos = hub.heardOf('hi').map(([, , { login, token }]) => login ?? token);
  assert.deepEqual(hellos, [['natalia', 'correct horse'], 'session']);
  assert.equal(asked, 1);
});

test('a login that is refused is final, with the error', async () => {
  const { hub, client, errors } = setUp({ login: () => LOGIN });
  hub.refuse = (message) => (message[0] === 'hi' ? ['err', message[1], 'UNAUTHORIZED', 'no such user'] : undefined);
  client.open();
  await hub.settle();
  assert.equal(client.state, 'closed');
  assert.deepEqual(
    errors.map((error) => error.message),
    ['no such user'],
  );
  assert.equal(hub.heardOf('hi').length, 1);
});

test('when the token of the welcome is refused, the login is requested again', async () => {
  const { hub, client, comeBack } = setUp({ login: () => LOGIN });
  hub.token = 'session';
  client.open();
  await hub.settle();
  hub.refuse = (message) =>
    message[0] === 'hi' && message[2].token ? ['err', message[1], 'UNAUTHORIZED', 'it has expired'] : undefined;
  hub.cut();
  await comeBack();
  await comeBack();
  assert.equal(client.state, 'open');
  assert.deepEqual(hub.heardOf('hi').at(-1)?.[2].login, ['natalia', 'correct horse']);
});

test('a user who cancels the login is not asked again', async () => {
  const { hub, client, errors } = setUp({ login: () => Promise.reject(new Error('cancelled')) });
  client.open();
  await hub.settle();
  assert.equal(client.state, 'closed');
  assert.equal(errors[0]?.message, 'cancelled');
});

test('after closing, the next user has to log in', async () => {
  const { hub, client } = setUp({ login: () => LOGIN });
  hub.token = 'session';
  client.open();
  await hub.settle();
  client.close();
  client.open();
  await hub.settle();
  assert.deepEqual(
    hub.heardOf('hi').map(([, , { token }]) => token),
    [undefined, undefined],
  );
});

test('the hub passes the login to `connect`, and its token to the welcome', async (t) => {
  const url = await serveLogins(t);
  const client = new Client(url, { login: () => LOGIN, random: () => 0 });
  t.after(() => client.close());
  assert.equal(await client.call('who'), 'natalia');
  assert.equal(client.welcome?.token, 'session of natalia');
  const wrong = new Client(url, { login: () => ({ ...LOGIN, password: 'guess' }), random: () => 0 });
  t.after(() => wrong.close());
  wrong.on('error', () => {});
  await assert.rejects(wrong.call('who'), { code: 'UNAUTHORIZED' });
  assert.equal(wrong.state, 'closed');
});

async function serveLogins(t: TestContext): Promise<string> {
  const hub = new Hub({
    broker: memory(),
    connect: ({ login, token }) => {
      if (login?.password === LOGIN.password) return { user: login.user, token: `session of ${login.user}` };
      return token?.startsWith('session of ') ? { user: token.slice('session of '.length) } : null;
    },
  });
  hub.method('who', (_, who) => who.user);
  const server = await serve(hub, 'ws://127.0.0.1:0');
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  return server.addresses[0]!;
}

test('the error of a refusal has the reason, for programs as well', async (t) => {
  const { client, daemon } = await startDaemon(t, { chat: false, channels: { news: {} }, secret: 's'.repeat(40) });
  const token = await daemon.auth.mint({ user: 'ana', rights: { subscribe: [] }, expiresIn: 60_000 });
  const refusal = await new Promise<ProtocolError>((resolve) =>
    client({ token })
      .subscribe('news')
      .on('error', (error) => resolve(error as ProtocolError)),
  );
  assert.deepEqual([refusal.code, refusal.reason], ['FORBIDDEN', 'RIGHT_MISSING']);
  assert.match(refusal.message, /^you need the right sub:news/);
});
