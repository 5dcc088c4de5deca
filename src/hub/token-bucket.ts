import type { Clock } from '../clock.ts';

/** Token bucket: `perSecond` on average, `burst` at once. It has no timer. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;
  /** What was refused and promised for a time that has not come yet. */
  #promised = 0;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = clock.now();
  }

  /**
   * Takes `count`. Returns 0, or, if there is not enough, the milliseconds until there is. More than the burst is taken
   * when the bucket is full, and owed.
   */
  take(count = 1): number {
    this.#refill();
    const needed = Math.min(count, this.#burst);
    if (this.#left >= needed) {
      this.#left -= count;
      return 0;
    }
    return Math.ceil(((needed - this.#left) * 1000) / this.perSecond);
  }

  /**
   * Like `take`, but a refused amount gets its own time, behind all that were refused before it: senders that come back
   * at the given time are accepted, each in its turn.
   */
  takeTurn(count = 1): number {
    const pause = this.take(count);
    if (pause === 0) return 0;
    const turn = pause + Math.ceil((this.#promised * 1000) / this.perSecond);
    this.#promised += count;
    return turn;
  }

  /** How much was refused and is not due yet. */
  get promised(): number {
    this.#refill();
    return this.#promised;
  }

  #refill(): void {
    const now = this.#clock.now();
    // No time adds nothing, even with an infinite rate.
    const fresh = now === this.#at ? 0 : ((now - this.#at) * this.perSecond) / 1000;
    this.#left = Math.min(this.#burst, this.#left + fresh);
    this.#promised = Math.max(0, this.#promised - fresh);
    this.#at = now;
  }
}
