import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { connectWebSocket } from '../src/websocket/index.ts';
import { Program } from './support/cli.ts';
import { judgePackage, noJudges } from './support/package-judges.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const ROOT = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

/** A project elsewhere, in which the built package is unpacked beside what it depends on. No network is needed. */
const project = temporaryFolder({ after });
const inProject = (...path: string[]) => join(project, ...path);
let tarball: string;

before(async () => {
  const built = inProject('built');
  await run(process.execPath, [join(ROOT, 'scripts/build.ts'), built]);
  await writeFile(inProject('package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  const { stdout } = await run('npm', ['pack', '--silent', built], { cwd: project });
  tarball = inProject(stdout.trim());
  await mkdir(inProject('node_modules/zocalo'), { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', 'node_modules/zocalo'], { cwd: project });
  // All that it depends on, and nothing else: the rest of what it uses is in its program.
  const { dependencies } = JSON.parse(await readFile(inProject('node_modules/zocalo/package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(inProject('node_modules', name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), inProject('node_modules', name));
  }
});

test('the published package has no scripts, no development dependencies, and every file that it names', async () => {
  const root = inProject('node_modules/zocalo');
  const published = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const repository = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const key of ['private', 'scripts', 'devDependencies', 'allowScripts']) assert.equal(published[key], undefined);
  assert.deepEqual(Object.keys(published.exports), Object.keys(repository.exports));
  const { uplot, zod } = repository.dependencies;
  assert.deepEqual(published.dependencies, { uplot, zod });
  const licenses = await readFile(join(root, 'THIRD-PARTY-LICENSES.md'), 'utf8');
  for (const name of Object.keys(repository.dependencies).filter((name) => name !== 'uplot'))
    assert.match(licenses, new RegExp(`^## ${name} \\d`, 'm'));
  const exported: Record<string, string>[] = Object.values(published.exports);
  const named = [...Object.values<string>(published.bin), ...exported.flatMap((files) => Object.values(files))];
  for (const file of [...named, 'README.md', 'LICENSE', 'CHANGELOG.md', 'php/websockets.php'])
    assert.ok((await readFile(join(root, file))).length);
  const files = await readdir(root, { recursive: true });
  assert.deepEqual(
    files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !file.startsWith('examples/')),
    [],
  );
});

test('each link of the README, the pages and the changelog leads to a file of the package', async () => {
  const root = inProject('node_modules/zocalo');
  const pages = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.md'));
  for (const page of ['README.md', 'CHANGELOG.md', 'docs/guide.md', 'docs/operations.md'])
    assert.ok(pages.includes(page));
  const broken: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!/^[a-z]+:/.test(target!) && !existsSync(join(root, dirname(page), target!)))
        broken.push(`${page}: ${target}`);
  }
  assert.deepEqual(broken, []);
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  for (const linked of ['docs/guide.md', 'docs/api.md', 'examples/chat.ts', 'docs/images/chat.png'])
    assert.match(readme, new RegExp(`\\]\\(${linked}\\)`)); // what is there, stays a link
});

test('the chat room of the README runs on the package', async (t) => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, room] = /```ts\n(import \{ type User.+?)```/s.exec(readme) ?? [];
  await writeFile(inProject('room.ts'), room!.replace('localhost:9000', 'localhost:0'));
  const program = new Program(process.execPath, [inProject('room.ts')]);
  t.after(() => program.stop());
  const [, address] = await program.says(/Listening on (\S+)/);
  const ana = await connectWebSocket(address!);
  const luis = await connectWebSocket(address!);
  const heard = luis[Symbol.asyncIterator]();
  assert.deepEqual((await heard.next()).value, 'Welcome. There are 2 of us here.');
  ana.send('Hola');
  assert.deepEqual((await heard.next()).value, 'Hola');
  assert.equal(await program.stop('SIGINT'), 0);
});

test("the package's command prints its version, and serves the chat with all its scripts", async (t) => {
  const zocalo = inProject('node_modules/zocalo/src/cli.js');
  await chmod(zocalo, 0o755); // as npm does with what `bin` names
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  assert.equal((await run(zocalo, ['--version'])).stdout, `${version}\n`);

  const program = new Program(zocalo, ['serve', '--port', '0', '--store', 'memory']);
  t.after(() => program.stop());
  const [address] = await program.says(/http:\S+/);
  const waiting = ['/'];
  const seen = new Set<string>();
  for (let path = waiting.pop(); path; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await fetch(new URL(path, address));
    assert.equal(response.status, 200, path);
    const body = await response.text();
    const links = [...body.matchAll(/(?:src|href)="(\/[^"]+)"|from '(\.[^']+)'/g)];
    for (const [, absolute, relative] of links)
      waiting.push(absolute ?? new URL(relative!, `http://x${path}`).pathname);
  }
  const sdk = await fetch(new URL('/zocalo.js', address));
  assert.equal(sdk.headers.get('access-control-allow-origin'), '*');
  const code = await sdk.text();
  assert.doesNotMatch(code, /\bfrom\s*['"]/);
  const { Client } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.equal(new Client('ws://localhost/').state, 'closed');
  assert.equal((await fetch(new URL('/zocalo.js.map', address))).status, 200);
  assert.ok(seen.has('/web/main') && seen.has('/src/client/client.js'), [...seen].join(' '));
  assert.equal(await program.stop('SIGINT'), 0);
});

test('without a driver, the command says what to install, and the package checks passwords without one', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'shop.db');
  const application = new DatabaseSync(file);
  application.exec('CREATE TABLE users (email TEXT, password TEXT)');
  // Of `correct horse battery`, by PHP.
  const hash = '$2y$04$iuW7BQfxLOmPuy2JVa6JruP3MNlx8PmJvOdFKfO2AxsugUVyjFnHC';
  application.prepare('INSERT INTO users VALUES (?, ?)').run('ana', hash);
  application.close();
  const users = { database: `sqlite:${file}`, table: 'users', columns: { name: 'email' } };
  const config = {
    store: 'memory',
    secret: 's'.repeat(40),
    auth: { login: { users } },
    sources: { my: { database: 'mysql://a@127.0.0.1:1/b' }, pg: { database: 'postgres://a@127.0.0.1:1/b' } },
  };
  await writeFile(join(folder, 'zocalo.config.json'), JSON.stringify(config));
  const command = inProject('node_modules/zocalo/src/cli.js');
  const doctor = new Program(process.execPath, [command, 'doctor'], { cwd: folder });
  assert.equal(await doctor.exited, 1);
  for (const [source, name] of [
    ['my', 'mysql2'],
    ['pg', 'pg'],
  ]) {
    const told = new RegExp(`source ${source}: .* needs the package ${name}, .*\\n +run: npm install ${name}\\n`);
    assert.match(doctor.stdout, told);
  }
  const program = new Program(process.execPath, [command, 'serve', '--port', '0'], { cwd: folder });
  t.after(() => program.stop());
  const [address] = await program.says(/http:\S+/);
  const login = async (password: string) => {
    const body = JSON.stringify({ user: 'ana', password });
    return (await fetch(new URL('/api/login', address), { method: 'POST', body })).status;
  };
  assert.deepEqual([await login('correct horse battery'), await login('wrong')], [200, 401]);
});

test('publint and attw have nothing to say about the package', { skip: noJudges, timeout: 60_000 }, () =>
  judgePackage(tarball),
);

test("the package's types work under each resolution, including the declarations themselves", async () => {
  await mkdir(inProject('node_modules/@types'), { recursive: true });
  await symlink(join(ROOT, 'node_modules/@types/node'), inProject('node_modules/@types/node'));
  await symlink(join(ROOT, 'node_modules/undici-types'), inProject('node_modules/undici-types'));
  await writeFile(
    inProject('consumer.ts'),
    `import { type ErrorCode, Hub, type User, WebSocketServer, ZocaloError } from 'zocalo';
     import { connect } from 'zocalo/stream';
     import { Client } from 'zocalo/client';
     import { TestNetwork } from 'zocalo/testing';
     import { connectWebSocket } from 'zocalo/websocket';

     class Room extends WebSocketServer {
       override onMessage(user: User, message: string | Uint8Array) { user.send(message); }
     }
     export const room = new Room('ws://localhost:0', { maxMessage: 1024 });
     export const code: ErrorCode = new ZocaloError('TIMEOUT', 'x').code;
     export const text: Promise<string> = connect('tcp://localhost:1').then((socket) => socket.text());
     export const client: Client = new TestNetwork((parts) => new Hub(parts)).client();
     // @ts-expect-error: an option that there is not
     connectWebSocket('ws://localhost:1', { maxMesage: 1 });
     // @ts-expect-error: a topic has a name
     export const subscribe = (user: User) => user.subscribe(42);
    `,
  );
  const options = ['--noEmit', '--strict', '--target', 'esnext', '--types', 'node'];
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const resolved = ['--module', module, '--moduleResolution', resolution];
    const check = run(process.execPath, [compiler, ...options, ...resolved, 'consumer.ts'], { cwd: project });
    await check.catch(({ stdout }) => assert.fail(`${resolution}: ${stdout}`));
  }
});

test('the build does not touch a directory that is not empty', async () => {
  const before = await readdir(inProject('built'));
  const build = run(process.execPath, [join(ROOT, 'scripts/build.ts'), inProject('built')]);
  await assert.rejects(build, { code: 2, stderr: /is not empty; name/ });
  assert.deepEqual(await readdir(inProject('built')), before);
});
