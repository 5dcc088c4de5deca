import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

test('the guard of a hundred programs ends with its parent, and is done at once', async () => {
  // Groups that no process can have: process ids end at 2²² on Linux.
  const code = `
    import { Guard } from ${JSON.stringify(new URL('../../src/programs/guard.ts', import.meta.url).href)};
    const guard = new Guard();
    for (let group = 1; group <= 100; group++) guard.add(2 ** 22 + group);
    for (let group = 1; group <= 100; group += 2) guard.remove(2 ** 22 + group);
    setTimeout(() => {}, 2 ** 30);
    console.log('ready');
  `;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout, 'data');
  const guard = Number(execFileSync('pgrep', ['-P', String(parent.pid)], { encoding: 'utf8' }));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  assert.equal(await endsWithin(guard, 20_000), true);
});

async function endsWithin(pid: number, limit: number): Promise<boolean> {
  // `tail` ends when the process has: no loop of ours, and no sleep.
  const tail = spawn('timeout', [String(limit / 1000), 'tail', '-f', '--pid', String(pid), '/dev/null']);
  const [code] = await once(tail, 'exit');
  return code === 0;
}
