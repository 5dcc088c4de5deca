import type { Clock } from '../../clock.ts';
import type { Log } from './log.ts';

/** A log that may lack the debug level. */
type SomeLog = Pick<Log, 'info' | 'warn' | 'error'> & Partial<Log>;

/** At most `AT_MOST` lines of a kind are written within this many milliseconds. */
const WINDOW = 60_000;
const AT_MOST = 10;

interface Kind {
  since: number;
  written: number;
  leftOut: number;
}

/**
 * A log for lines that strangers can cause. It writes ten lines of each kind a minute; the next line after that tells
 * how many were left out. So an attack does not fill the disk.
 */
export class ThrottledLog {
  readonly #log: SomeLog;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: SomeLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `kind` must be a constant of the program, never input: each kind is remembered. */
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
