import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { createApi } from '../../src/server/api/index.ts';
import { ApiKeys, Auth, permission } from '../../src/server/auth/index.ts';
import { loadConfig } from '../../src/server/config/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { directoryWith, SECRET } from '../server/config/support.ts';
import { CLI, Program, zocaloIn } from '../support/cli.ts';
import { missing } from '../support/need.ts';

const silent = () => {};
const LOG = { debug: silent, info: silent, warn: silent, error: silent };

/** A hub with API and tokens, and a directory whose configuration leads to it. */
async function daemon(t: TestContext): Promise<{ cwd: string; url: string; hub: Hub; key: string }> {
  const key = `key-${SECRET}`;
  const config = {
    secret: SECRET,
    channels: { news: { subscribe: 'granted' } },
    api: {
      keys: [
        { name: 'reader', key: `no-${SECRET}`, can: ['read'] },
        { name: 'app', key, channels: ['news'] },
      ],
    },
  };
  const cwd = directoryWith(t, { 'zocalo.config.json': JSON.stringify(config) });
  const loaded = (await loadConfig({ cwd, env: {} })).config;
  const auth = new Auth(loaded, { log: LOG });
  await auth.open();
  const hub = new Hub({
    broker: memory(),
    channels: { news: { subscribe: permission('granted', 'subscribe', 'news') } },
    connect: (visitor) => auth.connect(visitor),
  });
  const api = createApi({ hub, keys: new ApiKeys(loaded.api.keys), config: loaded, log: LOG });
  const server = await serve(hub, 'ws://127.0.0.1:0', { onRequest: api.handle });
  t.after(async () => {
    await hub.close();
    await server.close({ grace: 0 });
    auth.close();
  });
  return { cwd, url: server.addresses[0]!.replace('ws', 'http').replace(/\/$/, ''), hub, key };
}

test('zocalo subscribe prints what zocalo publish sends, with address, key and secret of the configuration', async (t) => {
  const { cwd, url, hub } = await daemon(t);
  const env = { ZOCALO_LISTEN: url };
  const reader = zocaloIn(cwd, ['subscribe', 'news', '--recent', '1'], env);
  t.after(() => reader.stop('SIGKILL'));
  await hub.publish('news', 'earlier');
  await reader.says(/^news "earlier"\n/);
  const json = zocaloIn(cwd, ['publish', 'news', '{"title":"Hola"}'], env);
  assert.equal(await json.exited, 0, json.stderr);
  assert.match(json.stdout, /^\S+:2\n$/);
  assert.equal(await zocaloIn(cwd, ['publish', 'news', 'no JSON'], env).exited, 0);
  await reader.says(/^news "earlier"\nnews \{"title":"Hola"\}\nnews "no JSON"\n$/);
  assert.equal(await reader.stop('SIGINT'), 0);
});

test('zocalo publish and zocalo subscribe keep the text of the data, and refuse what is not UTF-8', async (t) => {
  const { cwd, url, hub } = await daemon(t);
  const env = { ZOCALO_LISTEN: url };
  const readers = [[], ['--json']].map((more) => zocaloIn(cwd, ['subscribe', 'news', '--recent', '9', ...more], env));
  for (const reader of readers) t.after(() => reader.stop('SIGKILL'));
  const program = zocaloIn(cwd, ['publish', 'news', '{"id": 1163456789012345678, "x": 1e400}'], env);
  assert.equal(await program.exited, 0, program.stderr);
  const piped = zocaloIn(cwd, ['publish', 'news', '-', '--key', 'k'], env);
  piped.child.stdin.end('["caf\\u00e9",\n -0]\n');
  assert.equal(await piped.exited, 0, piped.stderr);
  assert.match(
    (await hub.historyText('news')).text,
    /\[1,\{"id":1163456789012345678,"x":1e400\},.*\[2,\["caf\\u00e9",-0\],/,
  );
  const [plain, json] = readers;
  await plain!.says(/^news \{"id":1163456789012345678,"x":1e400\}\nnews \["caf\\u00e9",-0\]\n$/);
  await json!.says(
    /^\{"channel":"news","data":\{"id":1163456789012345678,"x":1e400\},"time":.*\}\n.*"data":\["caf\\u00e9",-0\],"key":"k",.*\}\n$/,
  );
  const other = zocaloIn(cwd, ['publish', 'news', '-'], env);
  other.child.stdin.end(Buffer.from('caf\xe9', 'latin1'));
  assert.equal(await other.exited, 2, other.stderr);
  assert.match(other.stderr, /^BAD_OPTION: standard input is not UTF-8; [^\n]+\n$/);
});

test('zocalo publish reads standard input, and a key makes repeating harmless', async (t) => {
  const { cwd, url, key } = await daemon(t);
  const outputs: string[] = [];
  for (let i = 0; i < 2; i++) {
    const program = zocaloIn(cwd, ['publish', 'news', '-', '--key', 'once', '--url', url], { ZOCALO_API_KEY: key });
    program.child.stdin.end('{"a": 1}\n');
    assert.equal(await program.exited, 0, program.stderr);
    outputs.push(program.stdout);
  }
  assert.match(outputs[0]!, /:1\n$/);
  assert.equal(outputs[0], outputs[1]);
});

test('zocalo subscribe --since starts after that position, and --json prints everything', async (t) => {
  const { cwd, url, hub } = await daemon(t);
  const [epoch] = (await hub.publish('news', 1))!;
  await hub.publish('news', 2);
  const reader = zocaloIn(cwd, ['subscribe', 'news', '--since', `${epoch}:1`, '--json'], { ZOCALO_LISTEN: url });
  t.after(() => reader.stop('SIGKILL'));
  const [line] = await reader.says(/^.*\n/);
  const { channel, data, position } = JSON.parse(line!);
  assert.deepEqual({ channel, data, position }, { channel: 'news', data: 2, position: [epoch, 2] });
  assert.equal(await reader.stop('SIGTERM'), 0);
});

test('a refusal of the server is one line with its code, and the exit code is 10', async (t) => {
  const { cwd, url } = await daemon(t);
  for (const [args, line] of [
    [['publish', 'news', 'x', '--url', url, '--api-key', 'wrong'], /^UNAUTHORIZED: [^\n]+\n$/],
    [
      ['publish', 'other', 'x', '--url', url],
      /^UNAUTHORIZED: no key of the configuration has the right publish for other[^\n]+\n$/,
    ],
    [['sinks', 'list', '--url', url], /^UNAUTHORIZED: no key of the configuration has the right sinks: [^\n]+\n$/],
    [['subscribe', 'news', '--url', url.replace('http', 'ws'), '--token', 'wrong'], /^UNAUTHORIZED: [^\n]+\n$/m],
    [['subscribe', 'else', '--url', url.replace('http', 'ws')], /^FORBIDDEN: [^\n]+\n$/],
  ] as const) {
    const program = zocaloIn(cwd, args);
    assert.equal(await program.exited, 10, program.stderr);
    assert.match(program.stderr, line);
    assert.equal(program.stdout, '');
  }
});

test('zocalo publish without a daemon is one line, and the exit code is 4', async (t) => {
  const program = zocaloIn(directoryWith(t), ['publish', 'news', 'x', '--url', 'http://127.0.0.1:1']);
  assert.equal(await program.exited, 4);
  assert.match(program.stderr, /^CONNECTION_REFUSED: http:\/\/127\.0\.0\.1:1 refused the connection; [^\n]+\n$/);
});

test('zocalo token makes a token that allows its user what it says', async (t) => {
  const { cwd, url, hub } = await daemon(t);
  const rights = ['--can', 'sub:news', '--can', 'pub:chat:42', '--expires', '5m'];
  const program = zocaloIn(cwd, ['token', '--user', 'natalia', ...rights]);
  assert.equal(await program.exited, 0, program.stderr);
  const token = program.stdout.trim();
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  assert.equal(claims.sub, 'natalia');
  assert.deepEqual(claims.can, ['sub:news', 'pub:chat:42']);
  assert.equal(Math.round(claims.exp - claims.iat), 300);
  const args = ['subscribe', 'news', '--recent', '1', '--url', url.replace('http', 'ws')];
  const reader = zocaloIn(cwd, args, { ZOCALO_TOKEN: token });
  t.after(() => reader.stop('SIGKILL'));
  await hub.publish('news', 'hola');
  await reader.says(/^news "hola"\n/);
  assert.deepEqual([...hub.users], ['natalia']);
  await reader.stop('SIGINT');
});

test('zocalo token without a secret, with an invalid right or an invalid duration, says so and exits with 2', async (t) => {
  const { cwd } = await daemon(t);
  for (const [directory, args, line] of [
    [directoryWith(t), [], /^BAD_OPTION: tokens need the key `secret`/],
    [cwd, ['--can', 'read:news'], /^BAD_OPTION: --can read:news is not a list of rights; write it like sub:chat/],
    [cwd, ['--expires', 'soon'], /^BAD_OPTION: .*duration/],
  ] as const) {
    const program = zocaloIn(directory, ['token', '--user', 'ana', ...args]);
    assert.equal(await program.exited, 2);
    assert.match(program.stderr, line);
  }
});

test('zocalo users adds, lists, changes and removes, with the password from standard input', async (t) => {
  const cwd = directoryWith(t, {
    'zocalo.config.json': JSON.stringify({ secret: SECRET, auth: { login: { users: 'people.db' } } }),
  });
  const users = async (args: string[], password = '') => {
    const program = zocaloIn(cwd, ['users', ...args]);
    program.child.stdin.end(password);
    assert.equal(await program.exited, 0, program.stderr);
    return program.stdout;
  };
  const may = async (password: string) => {
    const { Users } = await import('../../src/server/auth/index.ts');
    const table = new Users(join(cwd, 'people.db'));
    await table.open();
    const { user } = await table.verify('natalia', password);
    table.close();
    return user !== undefined;
  };
  await users(['add', 'natalia', '--can', 'sub:chat:*', '--can', 'pub:chat:42'], 'correct horse\n');
  await users(['add', 'ana', '--file', 'people.db'], 'battery staple');
  assert.equal(await users(['list']), 'ana\nnatalia sub:chat:* pub:chat:42\n');
  assert.equal(await may('correct horse'), true);
  await users(['password', 'natalia'], 'another horse\n');
  assert.deepEqual([await may('correct horse'), await may('another horse')], [false, true]);
  await users(['remove', 'natalia']);
  assert.equal(await users(['list']), 'ana\n');
});

test('zocalo users reports an unknown user, a short password and a missing table', async (t) => {
  const cwd = directoryWith(t);
  for (const [args, line] of [
    [['remove', 'nobody', '--file', 'a.db'], /^BAD_OPTION: there is no user nobody; see zocalo users list/],
    [['add', 'ana', '--file', 'a.db'], /^BAD_OPTION: the password cannot be used; give one of 8/],
    [['list'], /^BAD_OPTION: the configuration has no auth\.login/],
  ] as const) {
    const program = zocaloIn(cwd, ['users', ...args]);
    program.child.stdin.end('short\n');
    assert.equal(await program.exited, 2);
    assert.match(program.stderr, line);
  }
});

test('a password that is typed is not shown', { skip: missing('script') }, async (t) => {
  const cwd = directoryWith(t);
  const command = `'${process.execPath}' '${CLI}' users add ana --file a.db`;
  const program = new Program('script', ['-qec', command, '/dev/null'], { cwd });
  await program.says(/Password:/);
  program.child.stdin.write('correct horse\r');
  await program.says(/Once more:/);
  program.child.stdin.write('correct horse\r');
  assert.equal(await program.exited, 0, program.stdout);
  assert.doesNotMatch(program.stdout, /horse/);
});

test('zocalo token --check shows the user and the rights of a token, or why it is refused', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.json': JSON.stringify({ secret: SECRET }) });
  const run = async (...args: string[]) => {
    const program = zocaloIn(cwd, ['token', ...args]);
    return { exit: await program.exited, out: program.stdout, err: program.stderr };
  };
  const made = (await run('--user', 'José', '--can', 'sub:chat:*', '--expires', '30d')).out.trim();
  const { out } = await run('--check', made);
  assert.match(out, /^user {5}José\nrights {3}sub:chat:\*\nissued {3}20\S+Z\nexpires {2}20\S+Z\n$/);
  const { exit, err } = await run('--check', `${made}x`);
  assert.deepEqual([exit, err], [10, 'UNAUTHORIZED: the token is refused: its signature does not fit\n']);
  assert.match((await run()).err, /^BAD_OPTION: zocalo token needs --user to make a token, or --check to explain one/);
  const without = zocaloIn(directoryWith(t), ['token', '--user', 'ana']);
  assert.equal(await without.exited, 2);
  assert.match(without.stderr, /^BAD_OPTION: tokens need the key `secret` in the configuration; add one/);
});

test('no address typed after --url ends in UNEXPECTED', async (t) => {
  const cwd = directoryWith(t);
  for (const url of ['localhost:9000', 'foo', 'ftp://x', 'wss://', 'http://', '/api', ''])
    for (const args of [['publish', 'news', 'hola'], ['subscribe', 'news'], ['doctor']]) {
      const program = zocaloIn(cwd, [...args, '--url', url]);
      assert.equal(await program.exited, 2, `${args} ${url}`);
      assert.match(
        program.stderr,
        /^BAD_OPTION: option '--url <url>' argument '.*' is invalid\. It is an address like/,
      );
    }
});
