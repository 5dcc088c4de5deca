import { spawn } from 'node:child_process';

/** How a worker ended. Without code and signal: it could not be started. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its standard error. */
  readonly lines: readonly string[];
}

/** A process started by the supervisor. */
export interface Worker {
  readonly pid: number | undefined;
  /** Milliseconds in which it ends after a SIGTERM, as it announced. */
  readonly drain: number;
  /** Resolves when it has ended, and its standard error was read to the end. */
  readonly ended: Promise<End>;
  kill(signal: NodeJS.Signals): void;
}

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];
export type StartWorker = (command: Command, write: (text: string) => void) => Worker;

/** How much of a worker's standard error is kept, in lines and characters: its last output may be one long line. */
const LAST_LINES = 20;
const LAST_CHARACTERS = 16 * 1024;
/** The default of `drain.deadline`, for a worker that has not announced its own. */
const DRAIN = 10_000;

/** Starts a worker; its standard error also goes to `write`. */
export const startWorker: StartWorker = ([program, ...args], write) => {
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // In its own process group, so that Ctrl+C in a terminal reaches it only once: through us.
    detached: process.platform !== 'win32',
  });
  let tail = '';
  let drain = DRAIN;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    write(text);
    tail = (tail + text)
      .slice(-LAST_CHARACTERS)
      .split('\n')
      .slice(-LAST_LINES - 1)
      .join('\n');
  });
  let hears = false;
  let mustReload = false;
  child.on('message', (said) => {
    if (isAnnouncement(said)) drain = said.drain;
    hears = true;
    if (mustReload) child.kill('SIGHUP');
    mustReload = false;
  });
  const ended = new Promise<End>((resolve) => {
    child.on('error', ({ message }) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, lines: [message] });
    });
    child.once('close', (code, signal) => resolve({ code, signal, lines: tail.split('\n').filter(Boolean) }));
  });
  return {
    pid: child.pid,
    get drain() {
      return drain;
    },
    ended,
    kill: (signal) => {
      // SIGHUP would end a Node that has not loaded our program yet; it announces when it has.
      if (signal === 'SIGHUP' && !hears) mustReload = true;
      // Windows has no signals: they all end a process at once, and Ctrl+C has reached the worker already.
      else if (process.platform !== 'win32' || signal === 'SIGKILL') child.kill(signal);
    },
  };
};

interface DrainAnnouncement {
  readonly drain: number;
}

function isAnnouncement(said: unknown): said is DrainAnnouncement {
  return typeof said === 'object' && said !== null && 'drain' in said && typeof said.drain === 'number';
}

/**
 * In a worker: tells the supervisor, if there is one, within how many milliseconds this process ends after a SIGTERM.
 */
export function announceDrain(drain: number): void {
  process.send?.({ drain } satisfies DrainAnnouncement, undefined, undefined, () => {}); // it may be gone
}

/**
 * In a worker: resolves when the supervisor was killed, so that no worker is left that occupies the port. Never
 * resolves without a supervisor.
 */
export function supervisorGone(): Promise<void> {
  return new Promise((resolve) => {
    if (process.send && !process.connected) resolve();
    else process.once('disconnect', resolve);
  });
}
