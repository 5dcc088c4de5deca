import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { memory } from '../src/broker/index.ts';
import * as sources from '../src/client/index.ts';
import { Hub } from '../src/hub/index.ts';
import { serve } from '../src/server/transports/websocket/index.ts';
import { launchChromium } from './support/chromium.ts';
import { projectWithClient } from './support/client-package.ts';
import { missing } from './support/need.ts';
import { judgePackage, noJudges } from './support/package-judges.ts';

const ROOT = resolve(import.meta.dirname, '..');
const run = promisify(execFile);
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc');
const RESOLUTIONS = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const;

async function serveHub(t: TestContext): Promise<string> {
  const hub = new Hub({ broker: memory(), channels: { '*': { patterns: true, presence: true } } });
  const server = await serve(hub, 'ws://127.0.0.1:0', { origins: '*' });
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  return server.addresses[0]!;
}

test('zocalo-client is installed from its tarball without anything else, and is what zocalo/client is', async () => {
  const project = await projectWithClient();
  assert.deepEqual(
    readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['zocalo-client'],
  );
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const published = JSON.parse(readFileSync(join(project, 'node_modules/zocalo-client/package.json'), 'utf8'));
  assert.deepEqual([published.version, published.license], [version, license]);
  for (const key of ['dependencies', 'devDependencies', 'scripts', 'private']) assert.equal(published[key], undefined);
  const root = join(project, 'node_modules/zocalo-client');
  for (const page of ['README.md', 'CHANGELOG.md']) {
    const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g);
    for (const [, target] of links) assert.ok(existsSync(join(root, target!)), `${page}: ${target}`);
  }
  const { stdout } = await run(process.execPath, ['-p', "Object.keys(require('zocalo-client')).join()"], {
    cwd: project,
  });
  assert.equal(stdout.trim(), Object.keys(sources).toSorted().join());
  const sdk = await import(join(project, 'node_modules/zocalo-client/client/index.js'));
  assert.deepEqual(Object.keys(sdk), Object.keys(sources));
});

test('a program that imports zocalo-client talks to a hub, and may use patterns, which are loaded late', async (t) => {
  const project = await projectWithClient();
  await writeFile(
    join(project, 'program.js'),
    `import { Client } from 'zocalo-client';
     const client = new Client(process.argv[2]);
     const all = client.subscribe('chat:*');
     const heard = new Promise((resolve) => all.on('message', resolve));
     await new Promise((resolve) => all.on('state', (state) => state === 'live' && resolve()));
     await client.publish('chat:42', 'hola');
     console.log((await heard).channel, (await client.history('chat:42')).messages[0].data);
     client.close();`,
  );
  const { stdout } = await run(process.execPath, ['program.js', await serveHub(t)], { cwd: project });
  assert.equal(stdout, 'chat:42 hola\n');
});

test('a page that imports Client of zocalo-client by a bundler loads under 8 KB', async (t) => {
  const project = await projectWithClient();
  const { outputFiles, metafile } = await build({
    stdin: { contents: "export { Client } from 'zocalo-client'", resolveDir: project },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: join(project, 'page'),
    write: false,
    metafile: true,
  });
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === '<stdin>')!;
  assert.ok(entry[1].imports.every(({ kind }) => kind === 'dynamic-import'));
  const size = gzipSync(outputFiles.find(({ path }) => path.endsWith('stdin.js'))!.text, { level: 9 }).length;
  t.diagnostic(`${size} bytes`);
  assert.ok(size > 4_000 && size < 8_192, `it has ${size} bytes`);
});

test('the types of zocalo-client work under each resolution, without the types of Node', async () => {
  const project = await projectWithClient();
  await mkdir(join(project, 'src'), { recursive: true });
  await writeFile(
    join(project, 'src/page.ts'),
    `import { Client, type ClientState, keptIn, type Message, type Position } from 'zocalo-client';

     const client = new Client('ws://localhost:1', { outbox: 10 });
     const chat = client.subscribe<{ text: string }>('chat:42', { recent: 50 });
     chat.on('message', (message: Message<{ text: string }>) => message.data.text.trim());
     export const state: ClientState = client.state;
     export const position: Promise<Position | undefined> = chat.publish({ text: 'hola' });
     export const keep = keptIn;
     // @ts-expect-error: the data has a text
     chat.publish({ txt: 'hola' });
     // @ts-expect-error: an option that there is not
     new Client('ws://localhost:1', { tokn: 'x' });
    `,
  );
  for (const [module, resolution] of RESOLUTIONS) {
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom',
    ];
    const resolved = ['--module', module, '--moduleResolution', resolution, '--types', ''];
    const check = run(process.execPath, [COMPILER, ...options, ...resolved, 'src/page.ts'], { cwd: project });
    await check.catch(({ stdout }) => assert.fail(`${resolution}: ${stdout}`));
  }
});

test('a contract types the hooks of each framework, and refuses what it does not have, under each resolution', async () => {
  const project = await projectWithClient();
  await mkdir(join(project, 'src'), { recursive: true });
  await mkdir(join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['vue', '@vue', 'csstype', '@types/react'])
    await symlink(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  const fixture = readFileSync(join(ROOT, 'test/views/pages/types.ts'), 'utf8');
  const refusals = fixture.match(/@ts-expect-error/g)!.length;
  await writeFile(join(project, 'src/types.ts'), fixture);
  await writeFile(join(project, 'src/refused.ts'), fixture.replaceAll('@ts-expect-error', 'refused'));
  for (const [module, resolution] of RESOLUTIONS) {
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--target', 'es2022'];
    const lib = ['--lib', 'es2022,dom', '--types', '', '--module', module, '--moduleResolution', resolution];
    const check = (file: string) => run(process.execPath, [COMPILER, ...options, ...lib, file], { cwd: project });
    await check('src/types.ts').catch(({ stdout }) => assert.fail(`${resolution}: ${stdout}`));
    // Each is refused because of what stands there, and nothing else is.
    const { stdout } = await check('src/refused.ts').catch((error) => error);
    assert.equal(stdout.match(/^src\/refused\.ts\(\d+,\d+\): error/gm)?.length, refusals, stdout);
  }
});

test('publint and attw have nothing to say about zocalo-client', { skip: noJudges, timeout: 60_000 }, async () => {
  const project = await projectWithClient();
  const [tarball] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
  await judgePackage(join(project, tarball!));
});

test('a page has Zocalo by <script src>, and talks to a hub', { skip: missing('chromium') }, async (t) => {
  const project = await projectWithClient();
  const script = readFileSync(join(project, 'node_modules/zocalo-client/zocalo.min.js'));
  const page = `<!doctype html><script src="zocalo.min.js"></script><script>
    const client = new Zocalo.Client('${await serveHub(t)}');
    const all = client.subscribe('chat:*');
    const heard = new Promise((resolve) => all.on('message', resolve));
    all.on('state', (state) => state === 'live' && client.publish('chat:42', 'hola'));
  </script>`;
  const server = createServer(({ url }, response) =>
    url === '/zocalo.min.js'
      ? response.setHeader('content-type', 'text/javascript').end(script)
      : response.setHeader('content-type', 'text/html').end(page),
  ).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const browser = await launchChromium();
  t.after(() => browser.close());
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  assert.equal(await tab.evaluate('heard.then(({ data }) => data)'), 'hola');
});
