import { appendFileSync, renameSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { type Clock, systemClock } from '../../clock.ts';
import { writeAtOnce } from '../../server/operations/index.ts';
import { USAGE_EXIT } from '../exit-codes.ts';
import { type Command, type End, type StartWorker, startWorker, type Worker } from './worker.ts';

export interface SupervisorOptions {
  /** The worker: a program and its arguments. */
  readonly command: Command;
  /** A file to which each crash of a worker is appended. Default: none. */
  readonly errorLog?: string | undefined;
  /** Milliseconds until the first restart; doubled for each further one, up to `maxBackoff`. Default 500. */
  readonly backoff?: number;
  /** Default 30,000. */
  readonly maxBackoff?: number;
  /** Milliseconds of uptime after which earlier crashes are forgotten. Default 60,000. */
  readonly settled?: number;
  /** Crashes in a row after which it gives up. Default 10. */
  readonly attempts?: number;
  /** Writes text to standard error: the workers', and our own. */
  readonly write?: (text: string) => void;
  readonly clock?: Clock;
  readonly start?: StartWorker;
  /** The source of the signals to pass on. Default: this process. */
  readonly signals?: SignalSource;
}

/** The part of a process that emits signals. */
interface SignalSource {
  on(signal: NodeJS.Signals, hear: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, hear: (signal: NodeJS.Signals) => void): unknown;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** Milliseconds beyond a worker's own deadline, before it is killed. */
const GRACE = 5_000;
/** Bytes of the error log above which it is renamed to `<file>.1`, replacing the previous one. */
const LOG_SIZE = 1024 * 1024;

/**
 * Runs a worker, and another one whenever it has crashed, never two at a time. Passes SIGTERM, SIGINT and SIGHUP on,
 * and kills a worker that does not end in time. A worker that ends with 0, or on request, is not restarted, and neither
 * is one with wrong usage. Resolves with the exit code for this process.
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { backoff = 500, maxBackoff = 30_000, settled = 60_000, attempts = 10, clock = systemClock } = options;
  const { write = writeAtOnce(2), start = startWorker, signals = process } = options;
  const say = (sentence: string) => write(`supervisor: ${sentence}\n`);
  const stop = Promise.withResolvers<void>();
  let isStopping = false;
  let worker: Worker | undefined;
  let cancel = () => {};
  const pass = (signal: NodeJS.Signals) => {
    worker?.kill(signal);
    if (signal === 'SIGHUP' || isStopping) return;
    isStopping = true;
    stop.resolve();
    if (!worker) return;
    const patience = worker.drain + GRACE;
    cancel = clock.after(patience, () => {
      say(`the worker did not end within ${patience / 1000} s of ${signal}; it is killed`);
      worker?.kill('SIGKILL');
    });
  };
  for (const signal of SIGNALS) signals.on(signal, pass);
  try {
    for (let crashes = 0; ; ) {
      const begun = clock.now();
      worker = start(options.command, write);
      const end = await worker.ended;
      worker = undefined;
      if (isStopping || end.code === 0) return exitCodeOf(end, isStopping);
      const lived = clock.now() - begun;
      crashes = lived >= settled ? 1 : crashes + 1;
      const pause = Math.min(maxBackoff, backoff * 2 ** (crashes - 1));
      const reason =
        end.code === USAGE_EXIT
          ? 'a wrong configuration or command line, which a restart does not fix'
          : crashes >= attempts && `it crashed ${crashes} times in a row`;
      const next = reason ? `given up: ${reason}` : `another one starts in ${pause / 1000} s`;
      const sentence = `the worker ${fateOf(end)} after ${(lived / 1000).toFixed(1)} s; ${next}`;
      say(sentence);
      if (options.errorLog !== undefined) note(options.errorLog, sentence, end.lines, say);
      if (reason) return exitCodeOf(end, false);
      await Promise.race([stop.promise, new Promise<void>((resolve) => (cancel = clock.after(pause, resolve)))]);
      cancel();
      if (isStopping) return 0;
    }
  } finally {
    cancel();
    for (const signal of SIGNALS) signals.off(signal, pass);
  }
}

function fateOf({ code, signal }: End): string {
  if (signal) return `was ended by ${signal}`;
  return code === null ? 'could not be started' : `ended with exit code ${code}`;
}

/** As in a shell. A worker that was told to end, and was ended by the signal before it could drain, counts as 0. */
function exitCodeOf({ code, signal }: End, wasTold: boolean): number {
  if (code !== null) return code;
  if (!signal) return 1;
  return wasTold && signal !== 'SIGKILL' ? 0 : 128 + constants.signals[signal];
}

function note(file: string, sentence: string, lines: readonly string[], say: (line: string) => void): void {
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_SIZE) renameSync(file, `${file}.1`);
    const text = [`${new Date().toISOString()} ${sentence}`, ...lines.map((line) => `  | ${line}`)];
    appendFileSync(file, `${text.join('\n')}\n`, { mode: 0o600 });
  } catch (error) {
    say(`${file} cannot be written: ${(error as Error).message}`);
  }
}

/** The command of this process without the supervisor's options `--supervise` and `--error-log <file>`. */
export function workerCommand({
  execPath,
  execArgv,
  argv,
}: Pick<NodeJS.Process, 'execPath' | 'execArgv' | 'argv'> = process): Command {
  const args = argv.slice(1).filter((arg, at, all) => {
    if (arg === '--supervise' || arg === '--error-log' || arg.startsWith('--error-log=')) return false;
    return all[at - 1] !== '--error-log';
  });
  return [execPath, ...execArgv, ...args];
}
