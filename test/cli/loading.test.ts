import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CLI, Program, zocaloIn } from '../support/cli.ts';

/** A daemon in a folder of its own that writes down at its end what it has loaded. */
async function startWatched(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'zocalo-loading-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const watch = join(folder, 'watch.mjs');
  await writeFile(
    watch,
    `import { registerHooks } from 'node:module';
     import { writeFileSync } from 'node:fs';
     const urls = [];
     registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
     // The process that reads the configuration has a channel to the daemon.
     if (!process.send) process.on('exit', () => writeFileSync('loaded', [...urls, ...process.moduleLoadList].join('\\n')));`,
  );
  await writeFile(join(folder, 'zocalo.config.yaml'), 'listen: http://127.0.0.1:0\nstore: sqlite:zocalo.db\n');
  const program = new Program(process.execPath, ['--import', watch, CLI, 'serve'], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  const [address] = await program.says(/http:\S+/);
  const loaded = async () => {
    assert.equal(await program.stop('SIGTERM'), 0);
    return readFile(join(folder, 'loaded'), 'utf8');
  };
  return { address: address!, loaded };
}

test('a daemon that nobody has asked for anything has loaded neither parsers, schemas and API nor TLS and fetch', async (t) => {
  const { loaded } = await startWatched(t);
  const modules = await loaded();
  assert.match(modules, /\/src\/server\/daemon\.ts$/m);
  assert.doesNotMatch(modules, /node_modules\/(yaml|zod|hono|@hono|jose)\//);
  assert.doesNotMatch(modules, /^NativeModule (tls|https|http2|internal\/deps\/undici\/undici)$/m);
});

test('the first request for the HTTP API loads it', async (t) => {
  const { address, loaded } = await startWatched(t);
  assert.equal((await fetch(`${address}/api/whoami`)).status, 200);
  assert.match(await loaded(), /node_modules\/hono\//);
});

test('a configuration that ends the process which reads it is no configuration, and says so', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'zocalo-loading-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'zocalo.config.ts'), 'process.exit(3);');
  const program = zocaloIn(folder, ['serve', '--port', '0']);
  t.after(() => program.stop('SIGKILL'));
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /^BAD_CONFIG: .*ended with 3/);
});
