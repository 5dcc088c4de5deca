import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { ZocaloError } from '../src/errors.ts';
import { LEAST_NODE, quietSqlite, requireNode } from '../src/runtime.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const run = promisify(execFile);
const withCode = (code: string) => (error: unknown) => error instanceof ZocaloError && error.code === code;

test('an older Node is refused at once, with the version that is needed', () => {
  assert.equal(packageJson.engines.node, `>=${LEAST_NODE}`);
  for (const version of ['18.20.4', '20.19.5', '22.17.1'])
    assert.throws(() => requireNode(version), withCode('NODE_TOO_OLD'), version);
  for (const version of ['22.18.0', '23.0.0', '24.21.0', process.versions.node]) requireNode(version);
  assert.throws(() => requireNode('20.19.5'), /this is Node 20\.19\.5, and zocalo needs 22\.18 or newer; update Node/);
});

test('a thread gets options of Node only from Node', () => {
  assert.deepEqual(quietSqlite(), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  assert.deepEqual(quietSqlite({ deno: '2.5.0' }), {});
});

test('a bundled server that has lost the thread of sqlite() says so, and how to bundle it', async (t) => {
  const folder = temporaryFolder(t);
  const library = JSON.stringify(resolve(import.meta.dirname, '../src/index.ts'));
  for (const format of ['esm', 'cjs'] as const) {
    const outfile = join(folder, format === 'esm' ? 'server.mjs' : 'server.cjs');
    await build({
      stdin: {
        contents: `import { sqlite } from ${library};
          sqlite('square.db').open().catch((error) => console.log(error.code, error.message));`,
        resolveDir: folder,
      },
      bundle: true,
      platform: 'node',
      target: 'node22.18',
      format,
      outfile,
      external: ['pg', 'mysql2', 'mqtt', 'ioredis'],
      logLevel: 'silent',
    });
    const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
    assert.match(stdout, /WORKER_MISSING sqlite\(\) runs in a thread of its own.*--external:zocalo/, format);
  }
});
