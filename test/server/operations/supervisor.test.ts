import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type SupervisorOptions, supervise } from '../../../src/server/operations/index.ts';
import { Program } from '../../support/cli.ts';

/** A worker in JavaScript that finds in `lives` how often it was started before, itself not counted. */
function worker(t: TestContext, source: string) {
  const folder = mkdtempSync(join(tmpdir(), 'zocalo-supervise-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'worker.cjs');
  const count = join(folder, 'count');
  writeFileSync(count, '');
  const head = `const fs = require('node:fs'); const count = ${JSON.stringify(count)};
    const lives = fs.statSync(count).size; fs.appendFileSync(count, 'x');`;
  writeFileSync(file, `${head}\n${source}`);
  const said: string[] = [];
  const errorLog = join(folder, 'errors.log');
  const run = (options: Partial<SupervisorOptions> = {}) =>
    supervise({
      command: [process.execPath, file],
      errorLog,
      backoff: 1,
      say: (line) => said.push(line.replace(/after [\d.]+ s/, 'after a while')),
      ...options,
    });
  return {
    run,
    said,
    file,
    folder,
    errors: () => readFileSync(errorLog, 'utf8'),
    lives: () => readFileSync(count).length,
  };
}

test('a worker that crashes is started again, ever later, until it ends well; its last words are in the error log', async (t) => {
  const { run, said, errors, lives } = worker(
    t,
    `if (lives < 3) { console.error('dying of ' + lives); process.exit(7); }`,
  );
  assert.equal(await run(), 0);
  assert.equal(lives(), 4);
  assert.deepEqual(
    said,
    [0.001, 0.002, 0.004].map(
      (pause) => `the worker ended with exit code 7 after a while; it is started again in ${pause} s`,
    ),
  );
  assert.match(
    errors(),
    /^\d{4}-\d\d-\d\dT\S+Z the worker ended with exit code 7 after [\d.]+ s; .*\n {2}\| dying of 0\n/,
  );
  assert.match(errors(), /dying of 2\n$/);
});

test('a worker that is killed is started again too', async (t) => {
  const { run, said } = worker(t, `if (lives === 0) process.kill(process.pid, 'SIGKILL');`);
  assert.equal(await run(), 0);
  assert.match(said.join(), /^the worker ended by SIGKILL/);
});

test('a worker that crashes again and again is given up, with its exit code', async (t) => {
  const { run, said, lives } = worker(t, 'process.exit(9)');
  assert.equal(await run({ attempts: 3 }), 9);
  assert.equal(lives(), 3);
  assert.equal(said.at(-1), 'given up: it crashed 3 times in a row');
});

test('who lived a while before the crash begins anew', async (t) => {
  const { run, lives } = worker(t, `process.exit(lives < 5 ? 9 : 0)`);
  assert.equal(await run({ attempts: 2, settled: 0 }), 0);
  assert.equal(lives(), 6);
});

test('wrong usage does not mend itself: the worker is not started again', async (t) => {
  const { run, lives } = worker(t, 'process.exit(2)');
  assert.equal(await run(), 2);
  assert.equal(lives(), 1);
});

test('a program that is not there is an error', async (t) => {
  const { run } = worker(t, '');
  await assert.rejects(run({ command: ['/no/such/program'] }), { code: 'BAD_OPTION' });
});

test('signals are passed on; after SIGTERM the worker ends in its own time, and no other comes', async (t) => {
  const { folder, file, lives } = worker(
    t,
    `setInterval(() => {}, 1000);
     process.on('SIGHUP', () => console.error('reloaded'));
     process.on('SIGTERM', () => { console.error('drained'); process.exit(5); });
     console.error('ready');`,
  );
  const main = join(folder, 'supervisor.mjs');
  const room = new URL('../../../src/server/operations/index.ts', import.meta.url);
  writeFileSync(
    main,
    `import { supervise } from ${JSON.stringify(room.href)};
     process.exitCode = await supervise({ command: [process.execPath, ${JSON.stringify(file)}] });`,
  );
  const program = new Program(process.execPath, [main]);
  t.after(() => program.child.kill('SIGKILL'));
  await program.says(/ready/, 'stderr');
  program.child.kill('SIGHUP');
  await program.says(/reloaded/, 'stderr');
  assert.equal(await program.stop('SIGTERM'), 5);
  assert.match(program.stderr, /drained/);
  assert.equal(lives(), 1);
});
