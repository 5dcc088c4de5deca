import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Users } from '../../src/server/auth/index.ts';
import { Daemon } from '../../src/server/daemon.ts';
import { ADMIN_KEY, API_KEY, configOf } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('an HTTP publication reaches the subscribers, and is in the log for later ones', async (t) => {
  const { call, client } = await startDaemon(t);
  const news = client().subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  const { status, body } = await call('POST', '/api/publish', { channel: 'news', data: { title: 'Hola' } });
  assert.equal(status, 200);
  const { value } = await news[Symbol.asyncIterator]().next();
  assert.deepEqual([value!.data, value!.position], [{ title: 'Hola' }, body.at]);
  const late = client().subscribe('news', { recent: 1 });
  const { value: again } = await late[Symbol.asyncIterator]().next();
  assert.deepEqual(again!.data, { title: 'Hola' });
});

test('without configured channels, anonymous clients can listen to all, and publish only in the chat', async (t) => {
  const { client } = await startDaemon(t);
  const guest = client();
  await assert.rejects(guest.publish('news', 'mine'), { code: 'FORBIDDEN' });
  assert.ok(await guest.publish('chat:square', { text: 'hola', name: 'Ana', person: 'p1' }));
});

test("the daemon's own channels are closed without a token for them", async (t) => {
  const { client, call } = await startDaemon(t, { channels: { '*': { publish: 'everyone' } } });
  const guest = client().subscribe('zocalo:admin');
  const error = await new Promise<Error>((resolve) => guest.on('error', resolve));
  assert.equal((error as Error & { code: string }).code, 'FORBIDDEN');
  await assert.rejects(client().publish('zocalo:admin', {}), { code: 'FORBIDDEN' });
  assert.equal((await call('POST', '/admin/session', undefined, API_KEY)).status, 403);
  assert.equal((await call('POST', '/admin/session', undefined, 'wrong')).status, 401);
  const { status, body } = await call('POST', '/admin/session', undefined, ADMIN_KEY);
  assert.equal(status, 200);
  const admin = client({ token: () => body.token }).subscribe('zocalo:admin');
  const { value } = await admin[Symbol.asyncIterator]().next();
  assert.equal((value!.data as { sample: { connections: number } }).sample.connections >= 1, true);
});

test('the pages are served, and nothing else', async (t) => {
  const { url } = await startDaemon(t);
  for (const path of ['/', '/chat:tacos', '/admin']) assert.equal((await fetch(url + path)).status, 200, path);
  for (const path of ['/package.json', '/src/errors.ts', '/web/../package.json', '/%2e%2e/package.json', '/admin/x'])
    assert.equal((await fetch(url + path)).status, 404, path);
});

test('pages that the configuration disables are not served', async (t) => {
  const { url, call } = await startDaemon(t, { chat: false, admin: false });
  for (const path of ['/', '/chat:tacos', '/admin']) assert.equal((await fetch(url + path)).status, 404, path);
  assert.equal((await fetch(`${url}/admin/session`, { method: 'POST' })).ok, false);
  assert.equal((await call('POST', '/api/publish', { channel: 'news', data: 1 })).status, 200);
});

test('a reload applies what can change without disconnecting anyone, and nothing of what cannot', async (t) => {
  const { daemon, client, call } = await startDaemon(t);
  const guest = client();
  const news = guest.subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  const key = 'n'.repeat(40);
  const keys = [{ name: 'new', key }];
  const listen = daemon.config.listen;
  await daemon.reload(configOf({ listen, channels: { news: { publish: 'everyone' } }, api: { keys } }));
  assert.ok(await guest.publish('news', 'mine'));
  assert.equal((await call('POST', '/api/publish', { channel: 'news', data: 1 })).status, 401);
  assert.equal((await call('POST', '/api/publish', { channel: 'news', data: 1 }, key)).status, 200);
  await assert.rejects(
    daemon.reload(configOf({ listen: 'http://127.0.0.1:1', store: 'sqlite:x.db', api: { keys: [] } })),
    {
      code: 'BAD_OPTION',
      message: /listen, store cannot change/,
    },
  );
  assert.equal((await call('POST', '/api/publish', { channel: 'news', data: 1 }, key)).status, 200);
  assert.equal(guest.state, 'open');
});

test('a second daemon on the same port or file is refused, and the first one continues', async (t) => {
  const folder = temporaryFolder(t);
  const store = `sqlite:${join(folder, 'square.db')}`;
  const { url, call } = await startDaemon(t, { store });
  const second = (input: object) => new Daemon(configOf(input), { log: new MemoryLog(), version: '0' }).start();
  await assert.rejects(second({ listen: url }), { code: 'ADDRESS_IN_USE' });
  await assert.rejects(second({ store }), { code: 'LOG_IN_USE' });
  assert.equal((await call('POST', '/api/publish', { channel: 'news', data: 1 })).status, 200);
});

test('a start that fails at any of its addresses reports it, and leaves no part open', async (t) => {
  const folder = temporaryFolder(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const socketTaken = createServer().listen(join(folder, 'taken.sock'));
  await once(socketTaken, 'listening');
  t.after(() => socketTaken.close());
  const free = await freePort();
  const lines = await freePort();
  const whole = {
    listen: [`http://127.0.0.1:${free}`],
    sources: { lines: { lines: `tcp://127.0.0.1:${lines}`, channel: 'news' } },
    socket: join(folder, 'api.sock'),
    store: `sqlite:${join(folder, 'square.db')}`,
    secret: 's'.repeat(32),
    auth: { login: { users: join(folder, 'users.db') } },
    webhooks: [{ url: 'http://127.0.0.1:1/', secret: 'w'.repeat(32) }],
  };
  const busy: Record<string, object> = {
    listen: { listen: [...whole.listen, `http://127.0.0.1:${port}`] },
    socket: { socket: join(folder, 'taken.sock') },
  };
  for (const [part, change] of Object.entries(busy)) {
    const clock = new FakeClock();
    const config = configOf({ ...whole, ...change });
    const daemon = new Daemon(config, { log: new MemoryLog(), version: '0', clock });
    await assert.rejects(daemon.start(), { code: 'ADDRESS_IN_USE' }, part);
    assert.equal(clock.pending, 0, `${part}: no timer is left`);
    // Everything else is free again: the files, the ports and the socket.
    const next = await startDaemon(t, whole);
    assert.equal((await next.call('POST', '/api/publish', { channel: 'news', data: part })).status, 200);
    assert.equal(await next.daemon.stop(), true);
  }
});

test('acknowledged publications survive a restart', async (t) => {
  const folder = temporaryFolder(t);
  const store = `sqlite:${join(folder, 'square.db')}`;
  const first = await startDaemon(t, { store, drain: { spread: 0 } });
  await first.call('POST', '/api/publish', { channel: 'news', data: 'before' });
  await first.daemon.stop();
  const second = await startDaemon(t, { store });
  const { body } = await second.call('GET', '/api/history?channel=news');
  assert.deepEqual(
    body.entries.map(([, data]: unknown[]) => data),
    ['before'],
  );
});

test('the HTTP API exchanges a password for a token, with which a page acts as its user', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'users.db');
  const users = new Users(file, {});
  await users.open();
  await users.add('natalia', 'correct horse');
  users.close();
  const secret = 's'.repeat(40);
  const { call, client } = await startDaemon(t, { secret, auth: { anonymous: false, login: { users: file } } });
  const login = (password: string) => call('POST', '/api/login', { user: 'natalia', password }, '');
  assert.equal((await login('wrong')).status, 401);
  const { status, body } = await login('correct horse');
  assert.deepEqual([status, body.user], [200, 'natalia']);
  const natalia = client({ token: () => body.token });
  natalia.open();
  await new Promise((resolve) => natalia.on('state', (state) => state === 'open' && resolve(state)));
  assert.equal(natalia.welcome?.user, 'natalia');
});

test('without a users table, a login by password is refused with a message', async (t) => {
  const { call } = await startDaemon(t);
  const { status, body } = await call('POST', '/api/login', { user: 'natalia', password: 'x' }, '');
  assert.deepEqual([status, body.code], [404, 'NOT_OFFERED']);
});

test('a reload changes whose pages may call the API', async (t) => {
  const { daemon, url } = await startDaemon(t);
  const allowed = async () =>
    (await fetch(`${url}/api/whoami`, { headers: { origin: 'https://example.org' } })).headers.get(
      'access-control-allow-origin',
    );
  assert.equal(await allowed(), null);
  await daemon.reload(configOf({ api: { cors: ['https://example.org'] } }));
  assert.equal(await allowed(), 'https://example.org');
});

test('while another program locks the log, publishing fails visibly, unstored publications still work, and few lines are logged', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'square.db');
  const { call, client, log } = await startDaemon(t, { store: `sqlite:${file}`, drain: { spread: 0 } });
  const publish = (data: unknown, more: object = {}) =>
    call('POST', '/api/publish', { channel: 'news', data, ...more });
  const news = client().subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  const heard = news[Symbol.asyncIterator]();
  assert.equal((await publish('before')).status, 200);
  assert.equal((await heard.next()).value?.data, 'before');
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const refused = Promise.all(Array.from({ length: 40 }, (_, n) => publish(n)));
  assert.equal((await publish('passing', { keep: false })).status, 200);
  assert.equal((await heard.next()).value?.data, 'passing');
  for (const { status, body } of await refused) assert.deepEqual([status, body.code], [503, 'UNAVAILABLE']);
  const lines = log.lines.filter(({ sentence }) => /HTTP API failed/.test(sentence));
  assert.equal(lines.length, 10);
  other.exec('ROLLBACK');
  assert.equal((await publish('after')).status, 200);
  assert.equal((await heard.next()).value?.data, 'after');
});
