import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '../../src/client/index.ts';
import { Program } from '../support/cli.ts';
import { npmPackages } from '../support/npm-packages.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FRAMEWORKS = ['express', 'fastify', 'hono'];

const packages = npmPackages({
  express: '5.3.0',
  'express-session': '1.19.0',
  '@types/express': '5.0.6',
  '@types/express-session': '1.18.2',
  fastify: '5.12.8',
  '@fastify/cookie': '11.1.5',
  '@fastify/session': '11.1.3',
  hono: '4.13.19',
  '@hono/node-server': '2.1.9',
});

/** A folder with the examples, and what they import. */
function copies(t: TestContext): string {
  const folder = mkdtempSync(join(packages.folder, 'run-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/zocalo'));
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  for (const name of FRAMEWORKS) copyFileSync(join(ROOT, `examples/sessions/${name}.ts`), join(folder, `${name}.ts`));
  return folder;
}

for (const name of FRAMEWORKS)
  test(`examples/sessions/${name}.ts knows in the hub who has logged in to the application, and nobody else`, {
    skip: packages.missing,
  }, async (t) => {
    const program = new Program('env', ['PORT=0', process.execPath, `${name}.ts`], { cwd: copies(t) });
    t.after(() => program.stop('SIGKILL'));
    const [, port] = await program.says(/http:\S+:(\d+)/);
    const url = `http://localhost:${port}`;
    const login = async (user: string) => {
      const response = await fetch(`${url}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user }),
      });
      assert.equal(response.status, 204);
      const [cookie] = response.headers.getSetCookie();
      return cookie!.split(';')[0]!;
    };
    const whoami = async (cookie: string) => {
      // As a browser does it: it sends the cookies of the page.
      class Socket extends WebSocket {
        constructor(url: string, protocol: string) {
          super(url, { protocols: [protocol], headers: { cookie } } as never);
        }
      }
      const client = new Client(url.replace('http', 'ws'), { WebSocket: Socket as never });
      client.on('error', () => {});
      t.after(() => client.close());
      return client.call('whoami').catch(({ code }) => code);
    };
    const [ana, luis] = [await login('ana'), await login('luis')];
    assert.equal(await (await fetch(url, { headers: { cookie: ana } })).text(), 'You are ana');
    assert.deepEqual([await whoami(ana), await whoami(`theme=dark; ${luis}`)], ['ana', 'luis']);
    // In the middle of its signature.
    const at = ana.length - 12;
    const forged = `${ana.slice(0, at)}${ana[at] === 'A' ? 'B' : 'A'}${ana.slice(at + 1)}`;
    for (const cookie of ['', 'theme=dark', forged]) assert.equal(await whoami(cookie), 'UNAUTHORIZED', cookie);
  });

test('the examples of sessions pass the type checker with the types of each framework', {
  skip: packages.missing,
}, async (t) => {
  const folder = copies(t);
  const config = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const check = promisify(execFile)(process.execPath, [compiler, '-p', folder], { cwd: folder });
  await check.catch(({ stdout }) => assert.fail(stdout));
});
