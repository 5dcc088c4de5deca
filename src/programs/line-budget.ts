import type { Clock } from '../clock.ts';

const SECOND = 1_000;

/** So many lines a second; the others are counted. */
export class LineBudget {
  readonly #lines: number;
  readonly #clock: Clock;
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(lines: number, clock: Clock) {
    this.#lines = lines;
    this.#clock = clock;
  }

  /** Whether one more line may be written. */
  take(): boolean {
    const now = this.#clock.now();
    if (now - this.#since >= SECOND) {
      this.#since = now;
      this.#taken = 0;
    }
    if (this.#taken === this.#lines) return false;
    this.#taken++;
    return true;
  }
}
