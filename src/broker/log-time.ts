import type { Clock } from '../clock.ts';

/**
 * How far the wall clock may be off without a word, in milliseconds: what NTP sets right in passing. A larger step is
 * somebody's mistake, or the end of one.
 */
const SLACK = 60_000;
/** Milliseconds for which the wall clock must have gone on from a step forward before anything ages by it. */
const HOLD = 600_000;

/** What a broker takes the time for. All in milliseconds since 1970. */
export interface Moment {
  /** The wall clock: what publications are stamped with. */
  readonly now: number;
  /** What ages are measured by: behind `now` while that is in doubt. */
  readonly sure: number;
  /** When the wall clock last went back, or the broker was opened. What bears a later time than `now` is as old at least. */
  readonly since: number;
}

/**
 * Time for logs that must not lose anything to a wrong clock. A step forward of more than a minute counts for no entry's
 * age until it has lasted ten minutes: a clock that is days ahead for seconds deletes nothing. After a step back, the
 * times from before it that lie in the future count as the moment of the step: so they end too. The downtime before a
 * start is such a step, as the machine's clock may not be set yet.
 */
export class LogTime implements Moment {
  now = 0;
  since = 0;
  readonly #wall: () => number;
  readonly #clock: Clock;
  /** How far the wall clock is ahead of the other one, whose zero means nothing but which takes no steps. */
  #line = 0;
  /** How far the wall clock is ahead of what is believed. */
  #doubt = 0;
  #steppedAt = 0;

  constructor(wall: () => number, clock: Clock) {
    this.#wall = wall;
    this.#clock = clock;
  }

  get sure(): number {
    return this.now - this.#doubt;
  }

  /** `newest`: the last time that is known of an earlier run. */
  begin(newest?: number | null): void {
    this.now = this.#wall();
    this.since = this.now;
    this.#steppedAt = this.#clock.now();
    this.#line = this.now - this.#steppedAt;
    const step = this.now - (newest ?? this.now);
    if (step > SLACK) this.#doubt = step;
  }

  /** Looks at the clocks. The answer changes with the next look. */
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

/** The time by which something ages that was stamped with `time`. */
export function agedBy(time: number, { now, since }: Moment): number {
  return time > now + SLACK ? since : time;
}

/** Whether a time is one that the wall clock has not reached, and not by a trifle. */
export function futureAt(now: number): number {
  return now + SLACK;
}

/** The time of what follows something with the time `last`: later by the clock, unless that was set back in earnest. */
export function stampAfter(last: number, now: number): number {
  return last > now && last <= now + SLACK ? last : now;
}
