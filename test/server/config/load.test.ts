import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../../src/server/config/index.ts';
import { directoryWith, load, mistakes, SECRET } from './support.ts';

test('without a file, environment or flags, the defaults apply, in milliseconds and bytes', async (t) => {
  const { config, file, warnings } = await loadConfig({ cwd: directoryWith(t), env: {} });
  assert.equal(file, undefined);
  assert.deepEqual(warnings, []);
  assert.equal(config.listen, 'http://localhost:9000');
  assert.equal(config.ping, 25_000);
  assert.equal(config.limits.bytesPerSecond, 262_144);
  assert.equal(config.auth.anonymous, true);
});

for (const [name, text] of Object.entries({
  'zocalo.config.yaml': 'ping: 20s # short\nchannels: {"chat:*": {presence: true}}\n',
  'zocalo.config.yml': 'ping: 20s\nchannels:\n  chat:*:\n    presence: true\n',
  'zocalo.config.json': '{ "ping": "20s", "channels": { "chat:*": { "presence": true } } }',
  'zocalo.config.ts': `const ping: string = '20s'; export default { ping, channels: { 'chat:*': { presence: true } } };`,
})) {
  test(`${name} is found in the working directory`, async (t) => {
    const { config, file } = await loadConfig({ cwd: directoryWith(t, { [name]: text }), env: {} });
    assert.equal(file, name);
    assert.equal(config.ping, 20_000);
    assert.equal(config.channels['chat:*']?.presence, true);
  });
}

test('a changed .ts file is read again', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.ts': 'export default { ping: 1000 }' });
  assert.equal((await loadConfig({ cwd, env: {} })).config.ping, 1000);
  const { utimes, writeFile } = await import('node:fs/promises');
  await writeFile(join(cwd, 'zocalo.config.ts'), 'export default { ping: 2000 }');
  await utimes(join(cwd, 'zocalo.config.ts'), 1, 1);
  assert.equal((await loadConfig({ cwd, env: {} })).config.ping, 2000);
});

test('two files in the working directory are a mistake, unless one is named', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.yaml': 'ping: 20s', 'zocalo.config.json': '{"ping": "21s"}' });
  await assert.rejects(loadConfig({ cwd, env: {} }), {
    code: 'BAD_CONFIG',
    message: /^zocalo\.config\.yaml and zocalo\.config\.json are both here; .*--config$/,
  });
  assert.equal((await loadConfig({ cwd, env: {}, file: 'zocalo.config.json' })).config.ping, 21_000);
  assert.equal((await loadConfig({ cwd, env: { ZOCALO_CONFIG: 'zocalo.config.json' } })).config.ping, 21_000);
});

test('flags override the environment, which overrides the file, key by key', async (t) => {
  const { config, origin } = await load(t, 'ping: 1s\nlinger: 1s\ndrain: {deadline: 1s, spread: 1s}\n', {
    env: { ZOCALO_LINGER: '2s', ZOCALO_DRAIN_DEADLINE: '2s' },
    flags: { set: ['drain.deadline=3s'] },
  });
  assert.deepEqual([config.ping, config.linger, config.drain], [1000, 2000, { deadline: 3000, spread: 1000 }]);
  assert.equal(origin(['ping']), 'zocalo.config.yaml:1');
  assert.equal(origin(['linger']), 'ZOCALO_LINGER of the environment');
  assert.equal(origin(['drain', 'deadline']), '--set drain.deadline');
  assert.equal(origin(['drain', 'spread']), 'zocalo.config.yaml:3');
  assert.equal(origin(['chat']), undefined);
});

test('a list replaces the earlier one as a whole, and a key without a value is ignored', async (t) => {
  const { config } = await load(t, 'hosts: [a, b]\nlimits:\n  # queue: 5\nping:\n', { flags: { set: ['hosts=[c]'] } });
  assert.deepEqual(config.hosts, ['c']);
  assert.equal(config.limits.queue, 1_048_576);
  assert.equal(config.ping, 25_000);
});

test('--port, --host and PORT change the address that the file names', async (t) => {
  const listen = async (flags: object, env = {}, address = 'http://0.0.0.0:80') =>
    (await load(t, `listen: ${address}`, { flags, env })).config.listen;
  assert.equal(await listen({ port: 8080 }), 'http://0.0.0.0:8080');
  assert.equal(await listen({ host: '::1' }), 'http://[::1]:80');
  assert.equal(await listen({ host: 'localhost', port: 0 }), 'http://localhost:0');
  assert.equal(await listen({}, { PORT: '81' }), 'http://0.0.0.0:81');
  assert.equal(await listen({}, { PORT: '' }), 'http://0.0.0.0:80');
  assert.equal(await listen({ port: 82 }, { PORT: '81' }, 'http://[::]'), 'http://[::]:82');
});

test('a port for several addresses, and an invalid PORT, are mistakes', async (t) => {
  const two = 'listen: [http://localhost:1, http://localhost:2]';
  assert.match((await mistakes(t, two, { flags: { port: 3 } }))[0]!, /^--port fits one address, and listen has 2/);
  assert.match((await mistakes(t, '', { env: { PORT: 'nine' } }))[0]!, /^PORT of the environment must be a port/);
});

test('--set can address keys inside of named maps, and is parsed as YAML, except where a text is expected', async (t) => {
  const { config } = await load(t, 'channels: {"chat:*": {presence: count}}', {
    flags: {
      set: [
        'channels["chat:*"].history.size=5',
        'chat=false',
        'origins=[https://a.example]',
        `secret=${'4'.repeat(32)}`,
      ],
      store: 'memory:',
    },
  });
  assert.deepEqual(config.channels['chat:*']?.history, { size: 5, ttl: 604_800_000 });
  assert.equal(config.channels['chat:*']?.presence, 'count');
  assert.equal(config.chat, false);
  assert.deepEqual(config.origins, ['https://a.example']);
  assert.equal(config.secret, '4'.repeat(32));
  assert.equal(config.store, 'memory:');
});

test('an environment variable is named after its key, and parsed like --set', async (t) => {
  const env = {
    ZOCALO_LIMITS_MAX_MESSAGE: '2MiB',
    ZOCALO_HOSTS: '*',
    ZOCALO_CHAT: 'false',
    ZOCALO_PROXIES: '[127.0.0.1, 10.0.0.0/8]',
    ZOCALO_API_KEYS: `[{name: app, key: ${SECRET}}]`,
    ZOCALO_API_KEY: 'for the commands',
    ZOCALO_LINGER: '',
    HOME: '/nowhere',
  };
  const { config } = await load(t, '', { env });
  assert.equal(config.limits.maxMessage, 2_097_152);
  assert.equal(config.hosts, '*');
  assert.equal(config.chat, false);
  assert.deepEqual(config.proxies, ['127.0.0.1', '10.0.0.0/8']);
  assert.deepEqual(config.api.keys, [{ name: 'app', key: SECRET, can: ['publish'], channels: ['*'] }]);
});
