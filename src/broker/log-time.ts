import type { Clock } from '../clock.ts';

/**
 * How far the wall clock may be off without consequences, in milliseconds: what NTP corrects routinely. A larger step
 * is a mistake, or the correction of one.
 */
const SLACK = 60_000;
/** Milliseconds for which the wall clock must run on after a step forward before ages are measured by it. */
const HOLD = 600_000;

/** The times that a broker uses. All in milliseconds since 1970. */
export interface Moment {
  /** The wall clock: the time of publications. */
  readonly now: number;
  /** The time for measuring ages: behind `now` while that is in doubt. */
  readonly sure: number;
  /** When the wall clock last went back, or the broker was opened. A time later than `now` counts as this time. */
  readonly since: number;
}

/**
 * Time for logs that must not lose anything because of a wrong clock. A step forward of more than a minute counts for
 * no entry's age until it has lasted ten minutes: a clock that is days ahead for seconds deletes nothing. After a step
 * back, earlier times that are now in the future count as the time of the step, so they expire too. The downtime before
 * a start counts as such a step, since the machine's clock may not be set yet.
 */
export class LogTime implements Moment {
  now = 0;
  since = 0;
  readonly #wall: () => number;
  readonly #clock: Clock;
  /** How far the wall clock is ahead of the monotonic one. */
  #line = 0;
  /** How far the wall clock is ahead of the trusted time. */
  #doubt = 0;
  #steppedAt = 0;

  constructor(wall: () => number, clock: Clock) {
    this.#wall = wall;
    this.#clock = clock;
  }

  get sure(): number {
    return this.now - this.#doubt;
  }

  /** `newest`: the last known time of an earlier run. */
  begin(newest?: number | null): void {
    this.now = this.#wall();
    this.since = this.now;
    this.#steppedAt = this.#clock.now();
    this.#line = this.now - this.#steppedAt;
    const step = this.now - (newest ?? this.now);
    if (step > SLACK) this.#doubt = step;
  }

  /** Reads the clocks. The returned object changes with the next call. */
  look(): Moment {
    const now = this.#wall();
    if (now === this.now) return this; // within this millisecond, nothing new
    const steady = this.#clock.now();
    this.now = now;
    const step = this.now - steady - this.#line;
    this.#line += step;
    if (step > SLACK || step < -SLACK) {
      this.#steppedAt = steady;
      this.#doubt = Math.max(0, this.#doubt + step);
      if (step < 0) this.since = this.now;
    }
    if (this.#doubt > 0 && (this.#doubt <= SLACK || steady - this.#steppedAt >= HOLD)) this.#doubt = 0;
    return this;
  }
}

/** The time that counts for the age of something stamped with `time`. */
export function agedBy(time: number, { now, since }: Moment): number {
  return time > now + SLACK ? since : time;
}

/** The time from which on something counts as from the future. */
export function futureAt(now: number): number {
  return now + SLACK;
}

/** The time for what follows something with the time `last`: not smaller, unless the clock was really set back. */
export function stampAfter(last: number, now: number): number {
  return last > now && last <= now + SLACK ? last : now;
}
