import type { Clock } from '../clock.ts';

/** So many of something a second, and at most `burst` at once: a token bucket, without a timer. */
export class Allowance {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = clock.now();
  }

  /**
   * Takes `count`. Answers 0, or, when there is not enough, the milliseconds until there is. What is more than the burst
   * is taken when everything is there, and owed.
   */
  take(count = 1): number {
    const now = this.#clock.now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    const needed = Math.min(count, this.#burst);
    if (this.#left >= needed) {
      this.#left -= count;
      return 0;
    }
    return Math.ceil(((needed - this.#left) * 1000) / this.#perSecond);
  }
}
