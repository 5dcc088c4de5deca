import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { allKeys, loadConfig } from '../../src/server/config/index.ts';
import { directoryWith, mistakes } from '../server/config/support.ts';
import { zocaloIn } from '../support/cli.ts';

for (const name of ['zocalo.config.yaml', 'zocalo.config.ts', 'zocalo.config.json']) {
  test(`zocalo init writes a ${name} that loads without a warning, for its owner alone`, async (t) => {
    const cwd = directoryWith(t);
    const program = zocaloIn(cwd, name.endsWith('yaml') ? ['init'] : ['init', name], { npm_command: 'exec' });
    assert.equal(await program.exited, 0, program.stderr);
    assert.equal(statSync(join(cwd, name)).mode & 0o777, 0o600);
    const { config, warnings, file } = await loadConfig({ cwd, env: {} });
    assert.equal(file, name);
    assert.deepEqual(warnings, []);
    const [key] = config.api.keys;
    assert.ok(program.stdout.includes(`Authorization: Bearer ${key?.key}`));
    assert.match(program.stdout, /^ {2}npx zocalo serve$/m);
    assert.ok(config.secret!.length >= 43 && config.secret !== key?.key);
  });
}

test('no two files have the same secrets', async (t) => {
  const cwd = directoryWith(t);
  await zocaloIn(cwd, ['init', 'a.json']).exited;
  await zocaloIn(cwd, ['init', 'b.json']).exited;
  const [a, b] = ['a.json', 'b.json'].map((name) => JSON.parse(readFileSync(join(cwd, name), 'utf8')));
  assert.notEqual(a.secret, b.secret);
  assert.notEqual(a.api.keys[0].key, b.api.keys[0].key);
});

test('every key of the YAML file is valid when its comment mark is removed', async (t) => {
  const cwd = directoryWith(t);
  await zocaloIn(cwd, ['init']).exited;
  const text = readFileSync(join(cwd, 'zocalo.config.yaml'), 'utf8');
  const names = allKeys().map(({ path }) => path.at(-1));
  const marked = new RegExp(`^( *)# (- )?((?:${names.join('|')}):(?: .*)?)$`, 'gm');
  assert.ok(text.match(marked)!.length > 50);
  const found = await mistakes(t, text.replace(marked, '$1$2$3'));
  // What has no default is still to be filled in, and nothing else.
  for (const mistake of found) assert.match(mistake, /is missing|must be|must have one of/);
});

for (const name of ['zocalo.config.yaml', 'zocalo.config.ts']) {
  test(`what the documentation adds to the file from init can stand at its end: ${name}`, async (t) => {
    const cwd = directoryWith(t);
    await zocaloIn(cwd, ['init', name]).exited;
    const file = join(cwd, name);
    const [handler, device] = [
      { events: ['connect'], url: 'http://localhost/' },
      { listen: 'tcp://127.0.0.1:5010', frame: 'lines', channel: 'a' },
    ];
    const entries = Object.entries({
      handlers: { login: handler },
      sources: { doors: device },
      programs: { b: 'true' },
      sinks: {},
    });
    const lines = entries.map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    const text = readFileSync(file, 'utf8');
    const added = name.endsWith('yaml')
      ? `${text}\n${lines.join('\n')}\n`
      : text.replace('} satisfies', `${lines.join(',\n')},\n} satisfies`);
    for (const line of lines) assert.ok(added.includes(`\n${line}`), `${line} was added`);
    writeFileSync(file, added);
    const { config } = await loadConfig({ cwd, env: {} });
    assert.deepEqual(Object.keys(config.sources), ['doors']);
    assert.ok(!/^ *(handlers|sources|programs|sinks): *$|^ *(handlers|sources|programs|sinks): \{$/m.test(text));
  });
}

test('an earlier file is kept, unless --force is given; then only its owner can read the new one', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.yaml': 'ping: 1s' });
  const file = join(cwd, 'zocalo.config.yaml');
  chmodSync(file, 0o644);
  const refused = zocaloIn(cwd, ['init']);
  assert.equal(await refused.exited, 2);
  assert.match(refused.stderr, /^BAD_OPTION: zocalo\.config\.yaml exists already; .*--force\n$/);
  assert.equal(readFileSync(file, 'utf8'), 'ping: 1s');
  assert.equal(await zocaloIn(cwd, ['init', '--force']).exited, 0);
  assert.match(readFileSync(file, 'utf8'), /^secret: /m);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('an unknown extension, and a missing folder, are one line each', async (t) => {
  const cwd = directoryWith(t);
  for (const [name, line] of [
    ['zocalo.ini', /^BAD_OPTION: zocalo\.ini is not a name for a configuration file; [^\n]+\n$/],
    ['no/where.yaml', /^BAD_OPTION: no\/where\.yaml cannot be written \(ENOENT\); [^\n]+\n$/],
  ] as const) {
    const program = zocaloIn(cwd, ['init', name]);
    assert.equal(await program.exited, 2);
    assert.match(program.stderr, line);
  }
});

test('zocalo config prints the effective configuration as YAML, with the source of each value, and no secret', async (t) => {
  const cwd = directoryWith(t);
  await zocaloIn(cwd, ['init']).exited;
  const program = zocaloIn(cwd, ['config', '--set', 'hosts=[a]', '--port', '1'], { ZOCALO_PING: '5s' });
  assert.equal(await program.exited, 0, program.stderr);
  assert.equal(program.stderr, '');
  const text = program.stdout;
  assert.match(text, /^listen: http:\/\/localhost:1 # --port$/m);
  assert.match(text, /^secret: \(hidden\) # zocalo\.config\.yaml:\d+$/m);
  assert.match(text, /^ {6}key: \(hidden\) # zocalo\.config\.yaml:\d+$/m);
  assert.match(text, /^ {2}- a # --set hosts$/m);
  assert.match(text, /^ping: 5s # ZOCALO_PING of the environment$/m);
  assert.match(text, /^linger: 5s$/m);
  const { config } = await loadConfig({ cwd, env: {} });
  for (const secret of [config.secret!, config.api.keys[0]!.key]) assert.ok(!text.includes(secret));
});

test('with the file from init no anonymous client can publish, and zocalo config shows each offered channel', async (t) => {
  const cwd = directoryWith(t);
  const channels = async (...args: string[]) => {
    const program = zocaloIn(cwd, ['config', ...args]);
    assert.equal(await program.exited, 0, program.stderr);
    const { channels } = parse(program.stdout) as { channels: Record<string, { publish: string }> };
    return Object.fromEntries(Object.entries(channels).map(([name, { publish }]) => [name, publish]));
  };
  assert.deepEqual(await channels('--set', 'chat=false'), { '*': 'nobody' });
  assert.deepEqual(await channels(), { '*': 'nobody', 'chat:*': 'everyone' });
  await zocaloIn(cwd, ['init']).exited;
  assert.deepEqual(await channels(), { news: 'nobody' });
  assert.deepEqual(await channels('--set', 'chat=true'), { news: 'nobody', 'chat:*': 'everyone' });
  assert.deepEqual(await channels('--set', 'chat=true', '--set', 'channels={"chat:*":{}}'), {
    news: 'nobody',
    'chat:*': 'nobody',
  });
});

test('zocalo config prints a line for each mistake, and exits with 2', async (t) => {
  const program = zocaloIn(directoryWith(t, { 'zocalo.config.yaml': 'pin: 5\nchat: maybe\n' }), ['config']);
  assert.equal(await program.exited, 2);
  assert.equal(program.stdout, '');
  assert.match(
    program.stderr,
    /^BAD_CONFIG: zocalo\.config\.yaml:1: pin is not a key; [^\n]+\nBAD_CONFIG: zocalo\.config\.yaml:2: chat must[^\n]+\n$/,
  );
});

test('a warning is printed beside the configuration', async (t) => {
  const program = zocaloIn(directoryWith(t, { 'zocalo.config.yaml': 'admin: true' }), ['config']);
  assert.equal(await program.exited, 0);
  assert.match(program.stderr, /^warning: zocalo\.config\.yaml:1: admin is true, and nobody can use it/);
});
