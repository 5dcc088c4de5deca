import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { connectWebSocket } from '../src/websocket/index.ts';
import { launchChromium } from './support/chromium.ts';
import { CLI, Program } from './support/cli.ts';
import { freePort } from './support/free-port.ts';
import { missing } from './support/need.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const ROOT = resolve(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const run = promisify(execFile);

const blocks = (language: string) =>
  [...README.matchAll(RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!);
const shellLines = blocks('sh').flatMap((block) => block.trim().split('\n'));

test('the chat room of the README is examples/chat.ts, in twelve lines', () => {
  const example = readFileSync(join(ROOT, 'examples/chat.ts'), 'utf8');
  const room = example.replace(/`ws:.*`/, "'ws://localhost:9000'");
  assert.ok(blocks('ts').includes(room));
  assert.equal(room.trim().split('\n').length, 12);
});

test('the same room in PHP is examples/php/chat.php, and people talk in both', { skip: missing('php') }, async (t) => {
  assert.ok(blocks('php').includes(readFileSync(join(ROOT, 'examples/php/chat.php'), 'utf8')));
  const servers = shellLines.filter((line) => /examples\S+chat/.test(line));
  assert.deepEqual(servers, ['npx zocalo run php examples/php/chat.php', 'npx node examples/chat.ts']);
  for (const line of servers) {
    const command = line
      .replace('npx zocalo run', `exec '${process.execPath}' '${CLI}' run --listen ws://localhost:0`)
      .replace('npx node', `exec '${process.execPath}'`);
    const server = new Program('sh', ['-c', command], { cwd: ROOT, env: { ...process.env, PORT: '0' } });
    t.after(() => server.stop());
    const [url] = await server.says(/ws:\/\/\S+:\d+/);
    const guests = [];
    for (const count of [1, 2]) {
      const guest = await connectWebSocket(url!);
      t.after(() => guest.terminate());
      const read = guest[Symbol.asyncIterator]();
      assert.equal((await read.next()).value, `Welcome. There are ${count} of us here.`, line);
      guests.push({ guest, read });
    }
    guests[1]!.guest.send('hola');
    assert.equal((await guests[0]!.read.next()).value, 'hola', line);
  }
});

/** A project that has the package, and the README's program that contains `text`, pasted into a file. */
async function pasted(t: TestContext, text: string, change = (code: string) => code): Promise<string> {
  const program = blocks('ts').find((code) => code.includes(text));
  const project = temporaryFolder(t);
  await mkdir(join(project, 'node_modules'));
  await symlink(ROOT, join(project, 'node_modules/zocalo'));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(join(project, 'program.ts'), change(program!));
  return project;
}

test('the lines and the page about pushing, pasted one after the other, show in a browser what was published', {
  skip: missing('chromium', 'php'),
}, async (t) => {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const moved = (text: string) => text.replace(/localhost:90\d\d|127\.0\.0\.1:9000/g, `localhost:${port}`);
  const lines = shellLines.filter((line) => /npx zocalo (init|serve|publish)/.test(line));
  const [init, serve, publish, ...more] = lines.map((line) =>
    line.replace('npx zocalo', `'${process.execPath}' '${CLI}'`),
  );
  assert.deepEqual([lines.length, more], [3, []]);
  const { stdout: told } = await run('sh', ['-c', init!], { cwd: folder });
  const config = join(folder, 'zocalo.config.yaml');
  await writeFile(config, moved(await readFile(config, 'utf8')));
  const daemon = new Program('sh', ['-c', `exec ${serve}`], { cwd: folder });
  t.after(() => daemon.stop());
  await daemon.says(/http:\S+:\d+/);
  await run('sh', ['-c', publish!], { cwd: folder });
  const [key] = /(?<=Bearer )[\w-]+/.exec(told)!;
  const php = moved(blocks('php').find((code) => code.includes('/api/publish'))!);
  const { stdout } = await run('php', ['-r', `$key = '${key}'; ${php}`]);
  assert.match(stdout, /,2\]\}$/);

  const [page] = blocks('html');
  const pages = createServer((_, response) => response.setHeader('content-type', 'text/html').end(moved(page!)));
  await once(pages.listen(0, 'localhost'), 'listening');
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    pages.close();
  });
  const tab = await browser.newPage();
  await tab.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`);
  const shown = () => tab.$$eval('#news li', (items) => items.map((item) => item.textContent));
  await until(async () => (await shown()).length === 2, 'the page shows both');
  assert.deepEqual(await shown(), ['Hola', 'Hola']);
});

test("the README's hub and its client, each a program, do what they say", async (t) => {
  const port = await freePort();
  const moved = (code: string) => code.replace('localhost:9000', `localhost:${port}`);
  const start = async (text: string) => {
    const project = await pasted(t, text, moved);
    const program = new Program(process.execPath, ['program.ts'], { cwd: project });
    t.after(() => program.stop());
    return program;
  };
  const hub = await start("sqlite('square.db')");
  const answers = () =>
    fetch(`http://localhost:${port}`).then(
      () => true,
      () => false,
    );
  await until(answers, 'the hub listens');
  const client = await start("from 'zocalo/client'");
  await client.says(/^\{ text: 'hola' \} 0\n\{ text: 'hola' \} 0\n/);
  assert.deepEqual([hub.stderr, client.stderr], ['', '']);
});

test("the README's example of sockets by URL does what it says", async (t) => {
  const project = await pasted(t, 'zocalo/stream');
  const { stdout } = await run(process.execPath, [join(project, 'program.ts')]);
  assert.equal(stdout, 'Hola!\nque tal!\n\n');
});

test('the command lines of the README get their line back', { skip: missing('nc') }, async (t) => {
  const [server, ...clients] = shellLines.filter((line) => line.includes('1337'));
  assert.match(server!, /^npx zocalo listen /);
  assert.equal(clients.length, 2);
  const inShell = (line: string) => line.replace('npx zocalo', `'${process.execPath}' '${CLI}'`);
  const echo = new Program('sh', ['-c', `exec ${inShell(server!.replace('1337', '0'))}`]);
  t.after(() => echo.stop());
  const [, port] = await echo.says(/listening on tcp:\/\/127\.0\.0\.1:(\d+)/, 'stderr');
  for (const line of clients) {
    const { stdout } = await run('sh', ['-c', inShell(line.replace('1337', port!))]);
    assert.equal(stdout, 'Hola que tal\n', line);
  }
});

test('every npm command of the README exists, and every npx one is installed or our own', () => {
  const bins = ['node', ...Object.keys(packageJson.bin)];
  for (const [, name] of README.matchAll(/npm run (\w+)/g)) assert.ok(packageJson.scripts[name!], name);
  for (const name of ['start', 'test']) assert.ok(shellLines.some((line) => line.startsWith(`npm ${name}`)));
  for (const [, name] of README.matchAll(/npx (\w+)/g)) assert.ok(bins.includes(name!), name);
});

test('the README gives a reason for every dependency, and names no other', () => {
  const [, table] = /\| package \| what for \|\n(.*?)\n\n/s.exec(README) ?? [];
  const named = [...table!.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name]) => name);
  const { dependencies, devDependencies } = packageJson;
  assert.deepEqual(named.toSorted(), Object.keys({ ...dependencies, ...devDependencies }).toSorted());
});
