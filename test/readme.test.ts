import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { connectWebSocket } from '../src/websocket/index.ts';
import { CLI, Program } from './support/cli.ts';
import { missing } from './support/need.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

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

test("the README's example of sockets by URL does what it says", async (t) => {
  const program = blocks('ts').find((code) => code.includes('zocalo/stream'));
  const project = temporaryFolder(t);
  await mkdir(join(project, 'node_modules'));
  await symlink(ROOT, join(project, 'node_modules/zocalo'));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(join(project, 'sockets.ts'), program!);
  const { stdout } = await run(process.execPath, [join(project, 'sockets.ts')]);
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
