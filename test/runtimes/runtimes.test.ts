import assert from 'node:assert/strict';
import { copyFileSync, existsSync, globSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { builtPackage } from '../support/built.ts';
import { Program } from '../support/cli.ts';
import { projectWithClient } from '../support/client-package.ts';
import { startDaemon } from '../support/daemon.ts';
import { npmPackages } from '../support/npm-packages.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The versions that the README names. */
const npm = npmPackages({ bun: '1.4.5', deno: '2.9.6' });

/** The programs themselves: npm chooses for this machine the package that has them. */
const inPackage = (pattern: string) => globSync(join(npm.folder, 'node_modules', pattern))[0] ?? '';
const RUNTIMES = [
  { name: 'Node', command: [process.execPath], skip: false },
  { name: 'Bun', command: [inPackage('@oven/bun-*/bin/bun')], skip: npm.missing },
  { name: 'Deno', command: [inPackage('@deno/*/deno'), 'run', '--allow-all'], skip: npm.missing },
];

/** A project with both packages as npm installs them, and the programs of this folder. */
let project: string;
before(async () => {
  project = await projectWithClient();
  symlinkSync(await builtPackage(), join(project, 'node_modules/zocalo'));
  for (const file of globSync(join(import.meta.dirname, 'programs/*.ts')))
    copyFileSync(file, join(project, file.slice(dirname(file).length)));
});

for (const { name, command, skip } of RUNTIMES)
  describe(`on ${name}`, { skip }, () => {
    const start = (t: TestContext, args: readonly string[], cwd = project) => {
      const [file, ...options] = [...command, ...args];
      assert.ok(existsSync(file!), `npm has no ${name} for this machine`);
      const program = new Program(file!, options, { cwd, env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' } });
      t.after(() => program.stop('SIGKILL'));
      return program;
    };

    test('the client of the package publishes, subscribes, calls, and gets what it missed while it was cut off', async (t) => {
      const options = { publish: 'everyone', history: { size: 10 }, presence: true, patterns: true } as const;
      const { url, call } = await startDaemon(t, { auth: { anonymous: true }, channels: { 'chat:*': options } });
      const proxy = await startProxy(t, Number(new URL(url).port));
      const program = start(t, ['client.ts', `ws://127.0.0.1:${proxy.port}`]);
      await program.says(/cut me/);
      proxy.cut();
      await call('POST', '/api/publish', { channel: 'chat:42', data: 'are you there?' });
      assert.deepEqual([await program.exited, program.stderr], [0, '']);
      assert.deepEqual(program.stdout.trim().split('\n'), [
        'heard hola true chat:42',
        'history hola',
        'presence 1',
        'refused NO_SUCH_METHOD',
        'cut me',
        'missed are you there?',
        'closed',
      ]);
    });

    test('the library opens sockets and WebSockets, and a hub whose log is in memory or SQLite', async (t) => {
      const program = start(t, ['library.ts', join(temporaryFolder(t), 'square.db')]);
      assert.deepEqual([await program.exited, program.stderr], [0, '']);
      assert.deepEqual(program.stdout.trim().split('\n'), [
        'stream 2 hola! que tal! ',
        'stream CONNECTION_REFUSED',
        'websocket You are 1 50000',
        'websocket You are 2',
        'memory hola 42 1',
        'sqlite hola 42 1',
        'closed',
      ]);
    });

    test('the daemon serves with a configuration and SQLite, stops on SIGTERM, and keeps its log', async (t) => {
      const folder = temporaryFolder(t);
      const zocalo = join(project, 'node_modules/zocalo/src/cli.js');
      const init = start(t, [zocalo, 'init'], folder);
      assert.deepEqual([await init.exited, init.stderr], [0, '']);
      const [key] = /(?<=Bearer )[\w-]+/.exec(init.stdout)!;
      const serve = async () => {
        const program = start(t, [zocalo, 'serve', '--port', '0'], folder);
        const [url] = await program.says(/http:\S+:\d+/);
        return { program, url: url! };
      };
      const first = await serve();
      const body = '{"channel":"news","data":"hola"}';
      const headers = { authorization: `Bearer ${key}` };
      assert.equal((await fetch(`${first.url}/api/publish`, { method: 'POST', headers, body })).status, 200);
      assert.equal(await first.program.stop(), 0);
      const second = await serve();
      const history = await fetch(`${second.url}/api/history?channel=news`, { headers });
      assert.match(await history.text(), /hola/);
      assert.equal(await second.program.stop(), 0);
    });
  });
