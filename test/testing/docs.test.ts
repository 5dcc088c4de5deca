import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BLOCKS = [...readFileSync(join(ROOT, 'docs/testing.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
  ([, code]) => code!,
);

test('the pieces of code of docs/testing.md run as they stand, and the test in it is ten lines', async (t) => {
  const [example, own] = BLOCKS;
  const body = example!.slice(example!.indexOf('async () => {\n') + 14, example!.indexOf('\n});'));
  assert.equal(body.split('\n').length, 10);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/zocalo'));
  writeFileSync(join(folder, 'chat.test.ts'), example!);
  writeFileSync(join(folder, 'own.ts'), own!);
  const run = (...args: string[]) =>
    // Otherwise it would report to this test.
    promisify(execFile)(process.execPath, args, { cwd: folder, env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
  assert.match((await run('--test', 'chat.test.ts')).stdout, /pass 1\n/);
  // It can fail.
  writeFileSync(join(folder, 'chat.test.ts'), example!.replace('network.advance(1_000)', 'network.advance(1)'));
  await assert.rejects(run('--test', 'chat.test.ts'), { stdout: /fail 1\n/ });
  assert.equal((await run('own.ts')).stdout, '42\n');
});
