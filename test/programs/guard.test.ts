import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../src/programs/index.ts';
import { until } from '../support/until.ts';
import { isAlive } from './set-up.ts';

async function startParent(t: TestContext, ...args: string[]) {
  const parent = spawn(process.execPath, [new URL('parent.ts', import.meta.url).pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(parent.stdout, 'data');
  const groups = String(line).trim().split(' ').map(Number);
  t.after(() => {
    for (const group of groups) if (isAlive(-group)) process.kill(-group, 'SIGKILL');
  });
  return { parent, groups };
}

test('kill -9 of the parent leaves none of its programs', async (t) => {
  const { parent, groups } = await startParent(t);
  assert.deepEqual(
    groups.map((group) => isAlive(-group)),
    [true, true, false],
  );
  parent.kill('SIGKILL');
  for (const group of groups) await until(() => !isAlive(-group), `the group ${group} is gone`);
});

test('a parent that ends without stopping its programs leaves none of them either', async (t) => {
  const { groups } = await startParent(t, 'exit');
  for (const group of groups) await until(() => !isAlive(-group), `the group ${group} is gone`);
});

test('a guard that was killed is replaced, and the next one knows the programs that are there', async (t) => {
  const { parent, groups } = await startParent(t);
  const guards = () =>
    execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent.pid)], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /sh -c/.test(line) && line.includes('groups='))
      .map((line) => Number.parseInt(line, 10));
  const [first] = guards();
  process.kill(first!, 'SIGKILL');
  await until(() => guards().some((pid) => pid !== first), 'another guard came');
  parent.kill('SIGKILL');
  for (const group of groups) await until(() => !isAlive(-group), `the group ${group} is gone`);
});

test('a guard keeps no process alive', async () => {
  const code = `import { Guard } from ${JSON.stringify(new URL('../../src/programs/index.ts', import.meta.url).href)}; new Guard().add(2 ** 22 + 1)`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], { stdio: 'inherit' });
  const [exit] = await once(child, 'exit');
  assert.equal(exit, 0);
  assert.ok(new Guard());
});
