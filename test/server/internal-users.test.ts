import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zocaloIn } from '../support/cli.ts';
import { ADMIN_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { application } from './auth/auth-fixture.ts';
import { directoryWith } from './config/support.ts';

const SECRET = 's'.repeat(40);

test('the admin page and the command line are not users: no webhook reports them, and no list contains them', async (t) => {
  const told: { type: string; user?: string }[] = [];
  const heard = Promise.withResolvers<void>();
  const receiver = await application(t, ({ body }, response) => {
    told.push(...JSON.parse(body).events);
    response.writeHead(204).end();
    if (told.some(({ user }) => user === 'luis')) heard.resolve();
  });
  const events = ['online', 'offline'] as const;
  const { daemon, url, call, client } = await startDaemon(t, {
    secret: SECRET,
    channels: { news: {} },
    webhooks: [{ url: receiver, secret: SECRET, events: [...events], debounce: 0 }],
  });
  const { hub } = daemon;

  const { body } = await call('POST', '/admin/session', undefined, ADMIN_KEY);
  const admin = client({ token: () => body.token });
  const page = admin.subscribe('zocalo:admin');
  await new Promise((resolve) => page.on('live', resolve));
  const config = { 'zocalo.config.json': JSON.stringify({ listen: url, secret: SECRET, channels: { news: {} } }) };
  const cwd = directoryWith(t, config);
  const reader = zocaloIn(cwd, ['subscribe', 'news', '--recent', '1']);
  t.after(() => reader.stop('SIGKILL'));
  await call('POST', '/api/publish', { channel: 'news', data: 'hola' });
  await reader.says(/^news "hola"/);
  assert.equal(await zocaloIn(cwd, ['doctor', '--url', url]).exited, 0);
  assert.deepEqual(hub.connections.map(({ user }) => user).sort(), ['admin admin', 'zocalo-subscribe']);

  const open = async (user: string) => {
    const one = client({ token: () => daemon.auth.mint({ user }) });
    one.open();
    await new Promise((resolve) => one.on('state', (state) => state === 'open' && resolve(state)));
    return one;
  };
  const ana = await open('ana');
  assert.deepEqual(hub.users, ['ana']);
  assert.deepEqual(
    (await call('GET', '/api/users')).body.users.map(({ id }: { id: string }) => id),
    ['ana'],
  );
  // They can be found and ended all the same.
  assert.equal((await call('POST', '/api/users/zocalo-subscribe/disconnect')).body.connections, 1);
  admin.close();
  ana.close();
  await until(() => hub.connections.length === 0, 'nobody is connected');
  await open('luis');
  await heard.promise;
  assert.deepEqual(
    told.map(({ type, user }) => `${type} ${user}`),
    ['online ana', 'offline ana', 'online luis'],
  );
});

test('a user of the application with the same id as one of our tools is still a user', async (t) => {
  const { daemon, client, call } = await startDaemon(t, { secret: SECRET });
  const { hub } = daemon;
  const tool = client({ token: () => daemon.auth.mint({ user: 'zocalo-subscribe', isInternal: true }) });
  const theirs = client({ token: () => daemon.auth.mint({ user: 'zocalo-subscribe' }) });
  tool.open();
  theirs.open();
  await until(() => hub.connections.length >= 2, 'two are connected');
  assert.deepEqual(hub.users, ['zocalo-subscribe']);
  tool.close();
  await until(() => hub.connections.length <= 1, 'one is connected');
  assert.deepEqual(hub.users, ['zocalo-subscribe']);
  theirs.close();
  await until(() => hub.connections.length === 0, 'nobody is connected');
  assert.deepEqual(hub.users, []);
  assert.equal((await call('GET', '/api/users/zocalo-subscribe')).body.online, false);
});
