import type { Clock } from '../../clock.ts';
import type { Log } from './log.ts';

/** All that somebody needs who never debugs. */
type SomeLog = Pick<Log, 'info' | 'warn' | 'error'> & Partial<Log>;

/** Milliseconds within which the same kind of sentence is written so often at most. */
const WINDOW = 60_000;
const AT_MOST = 10;

interface Kind {
  since: number;
  written: number;
  leftOut: number;
}

/**
 * A log for what strangers can cause: of each kind ten lines a minute are written, and the next one after that tells
 * how many were left out, so that an attack does not fill the disk.
 */
export class SparseLog {
  readonly #log: SomeLog;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: SomeLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `kind` comes from the program, never from a stranger: there are as many as there are calls of this. */
  write(level: keyof Log, kind: string, fields: object, sentence: string): void {
    const now = this.#clock.now();
    const seen = this.#kinds.get(kind);
    if (seen && now - seen.since < WINDOW && seen.written >= AT_MOST) {
      seen.leftOut++;
      return;
    }
    const { leftOut = 0 } = seen ?? {};
    if (seen && now - seen.since < WINDOW) seen.written++;
    else this.#kinds.set(kind, { since: now, written: 1, leftOut: 0 });
    this.#log[level]?.(leftOut > 0 ? { ...fields, leftOut } : fields, sentence);
  }
}
