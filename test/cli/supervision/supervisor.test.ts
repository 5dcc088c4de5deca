import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type SupervisorOptions, supervise, workerCommand } from '../../../src/cli/supervision/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/turn.ts';

type Started = NonNullable<SupervisorOptions['start']>;

interface End {
  code?: number;
  signal?: NodeJS.Signals;
  lines?: string[];
}

/** A supervisor whose workers, signals and clock are in the hands of the test. */
function supervised(t: TestContext, options: Partial<SupervisorOptions> = {}) {
  const folder = temporaryFolder(t);
  const errorLog = join(folder, 'errors.log');
  const clock = new FakeClock();
  const signals = new EventEmitter();
  const workers: { killed: string[]; end: (end: End) => void; isAlive: boolean }[] = [];
  let text = '';
  const exit = supervise({
    command: ['zocalo', 'serve'],
    errorLog,
    clock,
    signals: signals as unknown as NonNullable<SupervisorOptions['signals']>,
    write: (more) => {
      text += more;
    },
    start: () => {
      const killed: string[] = [];
      const { promise: ended, resolve } = Promise.withResolvers<Awaited<ReturnType<Started>['ended']>>();
      const worker = {
        killed,
        isAlive: true,
        end: ({ code, signal, lines = [] }: End) => {
          worker.isAlive = false;
          resolve({ code: code ?? null, signal: signal ?? null, lines });
        },
      };
      workers.push(worker);
      return { pid: 1, drain: 10_000, ended, kill: (signal) => void killed.push(signal) };
    },
    ...options,
  });
  return {
    exit,
    clock,
    signals,
    workers,
    said: () => text,
    errors: () => readFileSync(errorLog, 'utf8'),
    /** The newest worker ends; settles when the supervisor has seen it. */
    end: async (end: End) => {
      workers.at(-1)!.end(end);
      await turn();
    },
    /** Lets the time of the fake clock pass. */
    pass: async (milliseconds: number) => {
      clock.advance(milliseconds);
      await turn();
    },
  };
}
test('a worker that ends with 0 is not started again', async (t) => {
  const { exit, end, workers } = supervised(t);
  await end({ code: 0 });
  assert.equal(await exit, 0);
  assert.equal(workers.length, 1);
});

test('a worker that crashes is restarted after growing pauses of up to half a minute, and never beside another', async (t) => {
  const { end, pass, workers, said } = supervised(t);
  for (const seconds of [0.5, 1, 2, 4, 8, 16, 30, 30]) {
    const before = workers.length;
    await pass(100);
    await end({ code: 1 });
    assert.match(said(), new RegExp(`exit code 1 after 0\\.1 s; another one starts in ${seconds} s\n$`));
    await pass(seconds * 1000 - 1);
    assert.equal(workers.length, before);
    await pass(1);
    assert.equal(workers.length, before + 1);
    assert.equal(workers.filter(({ isAlive }) => isAlive).length, 1);
  }
});

test('crashes before a worker that ran for a while are forgotten', async (t) => {
  const { end, pass, said } = supervised(t);
  for (const pause of [500, 1000, 2000]) {
    await end({ signal: 'SIGSEGV' });
    await pass(pause);
  }
  await pass(60_000);
  await end({ signal: 'SIGSEGV' });
  assert.match(said(), /was ended by SIGSEGV after 60\.0 s; another one starts in 0\.5 s\n$/);
});

test("after ten crashes in a row it gives up, says so, and ends with the worker's exit code", async (t) => {
  const { exit, end, pass, workers, said, clock, signals } = supervised(t);
  for (let crash = 1; crash < 10; crash++) {
    await end({ code: 3 });
    await pass(30_000);
  }
  await end({ signal: 'SIGKILL' });
  assert.equal(await exit, 137);
  assert.equal(workers.length, 10);
  assert.match(said(), /was ended by SIGKILL after 0\.0 s; given up: it crashed 10 times in a row\n$/);
  assert.equal(clock.pending, 0);
  assert.deepEqual(signals.eventNames(), []);
});

test('a worker with a wrong configuration is not started again', async (t) => {
  const { exit, end, workers, said } = supervised(t);
  await end({ code: 2, lines: ['BAD_CONFIG: lissten is not a key'] });
  assert.equal(await exit, 2);
  assert.equal(workers.length, 1);
  assert.match(said(), /given up: a wrong configuration/);
});

test('the error log records when and how a worker ended, and its last output', async (t) => {
  const { end, pass, errors } = supervised(t);
  await end({ code: 7, lines: ['one', 'dying'] });
  await pass(500);
  await end({ signal: 'SIGKILL' });
  const [first, ...rest] = errors().trimEnd().split('\n');
  assert.match(first!, /^\d{4}-\d\d-\d\dT\S+Z the worker ended with exit code 7 after 0\.0 s; another one /);
  assert.deepEqual(rest.slice(0, 2), ['  | one', '  | dying']);
  assert.match(rest[2]!, /Z the worker was ended by SIGKILL/);
});

test('an error log that cannot be written is reported, and the worker is still restarted', async (t) => {
  const { end, pass, workers, said } = supervised(t, { errorLog: '/no/such/folder/errors.log' });
  await end({ code: 7 });
  await pass(500);
  assert.match(said(), /\/no\/such\/folder\/errors\.log cannot be written: ENOENT/);
  assert.equal(workers.length, 2);
});

test('signals are passed on, and a worker that was told to end is not restarted, however it ends', async (t) => {
  const { exit, end, signals, workers, said } = supervised(t);
  signals.emit('SIGHUP', 'SIGHUP');
  signals.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(workers[0]!.killed, ['SIGHUP', 'SIGTERM']);
  await end({ code: 5 });
  assert.equal(await exit, 5);
  assert.equal(said(), '');
});

test('a worker that is ended by the signal that was passed on has ended normally', async (t) => {
  const { exit, end, signals } = supervised(t);
  signals.emit('SIGINT', 'SIGINT');
  await end({ signal: 'SIGINT' });
  assert.equal(await exit, 0);
});

test('SIGTERM between two workers ends the supervisor at once', async (t) => {
  const { exit, end, signals, workers, clock } = supervised(t);
  await end({ code: 1 });
  signals.emit('SIGTERM', 'SIGTERM');
  assert.equal(await exit, 0);
  assert.equal(workers.length, 1);
  assert.equal(clock.pending, 0);
});

test('a worker that does not end in time is killed', async (t) => {
  const { exit, end, pass, signals, workers, said } = supervised(t);
  signals.emit('SIGTERM', 'SIGTERM');
  await pass(14_999);
  assert.deepEqual(workers[0]!.killed, ['SIGTERM']);
  await pass(1);
  assert.deepEqual(workers[0]!.killed, ['SIGTERM', 'SIGKILL']);
  assert.match(said(), /did not end within 15 s of SIGTERM; it is killed\n$/);
  await end({ signal: 'SIGKILL' });
  assert.equal(await exit, 137);
});

test("the worker gets the same command without the supervisor's options", () => {
  const argv = ['/bin/node', '/cli.ts', 'serve', '--supervise', '-c', 'a.yaml', '--error-log', 'e.log', '--port', '1'];
  const command = workerCommand({ execPath: '/bin/node', execArgv: ['--max-old-space-size=200'], argv });
  assert.equal(command.join(' '), '/bin/node --max-old-space-size=200 /cli.ts serve -c a.yaml --port 1');
  assert.deepEqual(
    workerCommand({ execPath: 'node', execArgv: [], argv: ['node', 'z', 'serve', '--error-log=e.log', '--supervise'] }),
    ['node', 'z', 'serve'],
  );
});

test('a program that cannot be started counts as a crash, since it may exist a moment later, during an upgrade', async () => {
  let text = '';
  const code = await supervise({
    command: ['/no/such/program'],
    attempts: 2,
    backoff: 1,
    write: (more) => {
      text += more;
    },
  });
  assert.equal(code, 1);
  assert.match(text, /could not be started .*could not be started .*given up: it crashed 2 times/s);
});
