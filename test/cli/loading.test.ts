import assert from 'node:assert/strict';
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { builtPackage } from '../support/built.ts';
import { CLI, Program, zocaloIn } from '../support/cli.ts';
import { ADMIN_KEY, API_KEY } from '../support/config.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SECRET = 's'.repeat(40);

/** A daemon in a folder of its own that writes down, with each line that it says, what it loads. */
async function startWatched(t: TestContext, cli: string) {
  const folder = temporaryFolder(t);
  const watch = join(folder, 'watch.mjs');
  await writeFile(
    watch,
    `import { registerHooks } from 'node:module';
     import { writeFileSync } from 'node:fs';
     // The process that reads the configuration has a channel to the daemon.
     if (!process.send) {
       const urls = [];
       registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
       const note = (name) => writeFileSync(name, [...urls, ...process.moduleLoadList].join('\\n'));
       process.on('SIGUSR2', () => { note('loaded'); console.log('noted'); });
     }`,
  );
  const keys = [
    { name: 'test', key: API_KEY, can: ['publish', 'read', 'users'] },
    { name: 'admin', key: ADMIN_KEY, can: ['admin'] },
  ];
  const config = { listen: 'http://127.0.0.1:0', store: 'sqlite:z.db', secret: SECRET, api: { keys }, tls: [] };
  await writeFile(join(folder, 'zocalo.config.json'), JSON.stringify(config));
  const program = new Program(process.execPath, ['--import', watch, cli, 'serve'], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  const [address] = await program.says(/http:\S+/);
  const loaded = async () => {
    program.stdout = '';
    program.child.kill('SIGUSR2');
    await program.says(/noted/);
    return (await readFile(join(folder, 'loaded'), 'utf8')).split('\n');
  };
  const call = async (path: string, key: string, method = 'GET') => {
    const response = await fetch(address + path, { method, headers: { authorization: `Bearer ${key}` } });
    assert.equal(response.status, 200, path);
    return response.text();
  };
  /** All that is done late: the HTTP API, tokens, and (once it was asked for) the page. */
  const useAll = async () => {
    await call('/api/channels', API_KEY);
    await call('/admin/session', ADMIN_KEY, 'POST');
  };
  return { program, folder, loaded, useAll, call };
}

const ofNode = (name: string) => (line: string) => line === `NativeModule ${name}`;

test('the package has its program in memory: modules that are used late read no file, and cost nothing before', async (t) => {
  const { loaded, useAll } = await startWatched(t, join(await builtPackage(), 'src/cli.js'));
  const before = await loaded();
  assert.ok(before.some((line) => line.endsWith('/src/program/main.js')));
  for (const name of ['tls', 'https', 'http2', 'internal/deps/undici/undici'])
    assert.equal(before.some(ofNode(name)), false, name);
  await useAll();
  const after = await loaded();
  assert.ok(after.length > before.length, `nothing was used late: ${after.slice(before.length)}`);
  t.diagnostic(`late: ${after.slice(before.length).join(' ')}`);
  const files = (lines: string[]) => lines.filter((line) => line.startsWith('file:'));
  assert.deepEqual(files(after), files(before));
});

test('from the sources, modules that are used late are read before the port opens, and what is used once is freed', async (t) => {
  const { loaded, useAll } = await startWatched(t, CLI);
  const before = (await loaded()).filter((line) => line.startsWith('file:'));
  assert.ok(before.some((line) => line.endsWith('/src/server/daemon.ts')));
  assert.equal(
    before.some((line) => /node_modules\/yaml\//.test(line)),
    false,
  );
  await useAll();
  const after = (await loaded()).filter((line) => line.startsWith('file:'));
  assert.deepEqual(after, before);
});

for (const replacement of ['another version', 'nothing at all'])
  test(`a daemon whose files were replaced by ${replacement} continues, refuses a reload, and drains`, async (t) => {
    const installed = await builtPackage();
    const place = join(temporaryFolder(t), 'zocalo');
    await cp(installed, place, { recursive: true });
    const { program, useAll } = await startWatched(t, join(place, 'src/cli.js'));
    await rename(place, `${place}-before`);
    if (replacement === 'another version') {
      await cp(`${place}-before`, place, { recursive: true });
      const file = join(place, 'package.json');
      await writeFile(file, (await readFile(file, 'utf8')).replace(/"version": "[^"]+"/, '"version": "9.9.9"'));
    }
    await rm(`${place}-before`, { recursive: true });
    await useAll();
    program.child.kill('SIGHUP');
    const [line] = await program.says(/.*the configuration was not applied.*\n/, 'stderr');
    if (replacement === 'another version') assert.match(line, /9\.9\.9 is installed; restart it/);
    assert.equal(await program.stop('SIGTERM'), 0);
    assert.match(program.stderr, /"msg":"stopping".*"msg":"stopped"/s);
  });

test('a configuration that ends its process is reported as invalid', async (t) => {
  const folder = temporaryFolder(t);
  await writeFile(join(folder, 'zocalo.config.ts'), 'process.exit(3);');
  const program = zocaloIn(folder, ['serve', '--port', '0']);
  t.after(() => program.stop('SIGKILL'));
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /^BAD_CONFIG: .*ended with 3/);
});
