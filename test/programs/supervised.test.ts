import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ProgramEnd, Supervised, type SupervisedOptions } from '../../src/programs/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { isAlive, KeptLog, script } from './set-up.ts';

function newSupervised(t: TestContext, command: readonly string[], options: Partial<SupervisedOptions> = {}) {
  const log = new KeptLog();
  const clock = new FakeClock();
  const starts: number[] = [];
  const ends: ProgramEnd[] = [];
  const supervised = new Supervised({
    command,
    name: 'example',
    log,
    clock,
    random: () => 1,
    onStart: (program) => starts.push(program.pid!),
    onEnd: (end) => ends.push(end),
    ...options,
  });
  t.after(() => supervised.stop(0));
  return { supervised, log, clock, starts, ends };
}

test('a program that ends is started again at once, then after pauses that double up to ten seconds', async (t) => {
  const { supervised, log, clock, ends } = newSupervised(t, ['false']);
  await supervised.start();
  const pauses: number[] = [];
  for (let count = 1; count <= 12; count++) {
    await until(() => ends.length === count, `end ${count}`);
    pauses.push(supervised.pause);
    clock.advance(supervised.pause);
  }
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000]);
  const counts = Map.groupBy(log.codes, (code) => code);
  assert.equal(counts.get('PROGRAM_KEEPS_ENDING')?.length, 1);
  assert.equal(counts.get('PROGRAM_ENDED')?.length, 12);
});

test('the log says how a program ended, after how long, and what it printed last', async (t) => {
  const { supervised, log, ends } = newSupervised(t, ['bash', '-c', 'echo Fatal error: no database >&2; exit 255']);
  await supervised.start();
  await until(() => ends.length === 1, 'it ended');
  const { fields, sentence } = log.entries.find(({ level }) => level === 'error')!;
  assert.equal(sentence, 'a program ended, and is started again');
  assert.equal(
    (fields.err as Error).message,
    'the program example ended with exit code 255 after 0.0 s; see its last lines in the log',
  );
  assert.deepEqual(
    [fields.program, fields.exitCode, fields.signal, fields.took, fields.pause, fields.lastLines],
    ['example', 255, null, 0, 0, ['Fatal error: no database']],
  );
});

test('after a minute of uptime its earlier ends are forgotten', async (t) => {
  const { supervised, clock, starts, ends } = newSupervised(t, ['sleep', '60']);
  await supervised.start();
  const end = async (count: number, uptime: number) => {
    await until(() => starts.length === count, 'it started');
    clock.advance(uptime);
    process.kill(-starts.at(-1)!, 'SIGKILL');
    await until(() => ends.length === count, 'it ended');
  };
  for (const [count, uptime, pause] of [
    [1, 0, 0],
    [2, 0, 100],
    [3, 59_000, 200],
    [4, 60_000, 0],
  ] as const) {
    await end(count, uptime);
    assert.equal(supervised.pause, pause);
    clock.advance(supervised.pause);
  }
});

test('a program that cannot be started is tried again, and its first attempt says why', async (t) => {
  const file = script(t, '#!/bin/sh\nexec sleep 60\n', 0o644);
  const { supervised, log, clock, starts } = newSupervised(t, [file]);
  await assert.rejects(supervised.start(), { code: 'PROGRAM_NOT_EXECUTABLE' });
  assert.deepEqual(log.codes, ['PROGRAM_NOT_EXECUTABLE']);
  chmodSync(file, 0o755);
  clock.advance(0);
  await until(() => starts.length === 1, 'it started');
  assert.ok(supervised.program?.isRunning);
});

test('a restart stops the process and starts the next one, without counting an end', async (t) => {
  const { supervised, log, clock, starts } = newSupervised(t, ['bash', '-c', 'read -r x <&3']);
  await supervised.start();
  await supervised.restart();
  clock.advance(0);
  await until(() => starts.length === 2, 'the next one started');
  assert.ok(!isAlive(starts[0]!));
  assert.deepEqual(log.codes, []);
});

test('a restart during a pause does not wait for its end', async (t) => {
  const { supervised, clock, starts, ends } = newSupervised(t, ['false']);
  await supervised.start();
  await until(() => ends.length === 1, 'it ended');
  clock.advance(0);
  await until(() => ends.length === 2, 'it ended again');
  assert.equal(supervised.pause, 100);
  await supervised.restart();
  assert.equal(starts.length, 3);
});

test('a program that is stopped stays stopped, and can be started again', async (t) => {
  const { supervised, clock, starts, ends } = newSupervised(t, ['bash', '-c', 'read -r x <&3']);
  await supervised.start();
  await supervised.stop();
  assert.deepEqual([ends.length, supervised.program, clock.pending], [1, undefined, 0]);
  await supervised.start();
  assert.equal(starts.length, 2);
});

test('each line comes with the process that wrote it', async (t) => {
  const file = join(temporaryFolder(t), 'count');
  writeFileSync(file, '');
  const told: string[] = [];
  const { supervised, clock, starts } = newSupervised(
    t,
    ['bash', '-c', `echo x >> ${file}; wc -l < ${file} >&4; read -r x <&3`],
    {
      onLine: (line, program) => told.push(`${line.trim()} ${program.pid}`),
    },
  );
  await supervised.start();
  await until(() => told.length === 1, 'its line came');
  await supervised.restart();
  clock.advance(0);
  await until(() => told.length === 2, 'the line of the next one came');
  assert.deepEqual(told, [`1 ${starts[0]}`, `2 ${starts[1]}`]);
  assert.equal(readFileSync(file, 'utf8'), 'x\nx\n');
});
