import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { USAGE_EXIT } from '../exit-codes.ts';

export interface SupervisorOptions {
  /** The worker: a program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** A file to which the end of each worker that crashed is added. Default: none. */
  readonly errorLog?: string | undefined;
  /** Milliseconds until the first restart; each further one takes twice as long, up to `maxBackoff`. Default 500. */
  readonly backoff?: number;
  /** Default 30,000. */
  readonly maxBackoff?: number;
  /** Milliseconds after which a worker has lived a while, so that what came before is forgotten. Default 60,000. */
  readonly settled?: number;
  /** Crashes in a row after which it is given up. Default 10. */
  readonly attempts?: number;
  readonly clock?: Clock;
  /** Is told what happens. Default: standard error. */
  readonly say?: (line: string) => void;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** Lines of a worker's standard error that are kept for the error log. */
const LAST_LINES = 20;
/** Bytes of the error log above which it is put aside as `<file>.1`, in place of the one before. */
const LOG_SIZE = 1024 * 1024;

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}

/**
 * Runs a worker, and another one whenever it has crashed, never two at a time. Passes SIGTERM, SIGINT and SIGHUP on. A
 * worker that ends with 0, or after a SIGTERM or SIGINT, is not started again, nor one whose usage is wrong.
 * Resolves with the exit code for this process.
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { backoff = 500, maxBackoff = 30_000, settled = 60_000, attempts = 10, clock = systemClock } = options;
  const say = options.say ?? ((line: string) => console.error(line));
  let worker: ChildProcess | null = null;
  let isStopping = false;
  let wake = () => {};
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGHUP') isStopping = true;
    worker?.kill(signal);
    if (isStopping) wake();
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  try {
    for (let crashes = 0; ; ) {
      const begun = clock.now();
      const { code, signal, lines } = await new Promise<End>((resolve, reject) => {
        worker = run(options.command, resolve, reject);
      });
      worker = null;
      if (code === 0 || isStopping) return code ?? 0;
      const lived = clock.now() - begun;
      crashes = lived >= settled ? 1 : crashes + 1;
      const pause = Math.min(maxBackoff, backoff * 2 ** (crashes - 1));
      const how = signal ? `by ${signal}` : `with exit code ${code}`;
      const isOver = code === USAGE_EXIT || crashes >= attempts;
      const next = isOver ? 'it is not started again' : `it is started again in ${pause / 1000} s`;
      const sentence = `the worker ended ${how} after ${(lived / 1000).toFixed(1)} s; ${next}`;
      say(sentence);
      if (options.errorLog !== undefined) note(options.errorLog, sentence, lines, say);
      if (isOver) {
        if (code !== USAGE_EXIT) say(`given up: it crashed ${crashes} times in a row`);
        return code ?? 1;
      }
      await new Promise<void>((resolve) => {
        const cancel = clock.after(pause, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
      if (isStopping) return 0;
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass);
  }
}

function run(
  [program, ...args]: SupervisorOptions['command'],
  resolve: (end: End) => void,
  reject: (error: Error) => void,
): ChildProcess {
  // In a process group of its own, so that Ctrl+C in a terminal reaches it once: through us.
  const detached = process.platform !== 'win32';
  const worker = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], detached });
  let tail = '';
  worker.stderr.on('data', (bytes: Buffer) => {
    process.stderr.write(bytes);
    tail = `${tail}${bytes}`
      .split('\n')
      .slice(-LAST_LINES - 1)
      .join('\n');
  });
  worker.once('error', (cause) => reject(new ZocaloError('BAD_OPTION', `${program} cannot be started`, { cause })));
  // 'close' comes when its standard error has been read to the end.
  worker.once('close', (code, signal) => resolve({ code, signal, lines: tail.split('\n').filter(Boolean) }));
  return worker;
}

function note(file: string, sentence: string, lines: readonly string[], say: (line: string) => void): void {
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_SIZE) renameSync(file, `${file}.1`);
    const text = [`${new Date().toISOString()} ${sentence}`, ...lines.map((line) => `  | ${line}`)];
    appendFileSync(file, `${text.join('\n')}\n`);
  } catch (error) {
    say(`${file} cannot be written: ${(error as Error).message}`);
  }
}
