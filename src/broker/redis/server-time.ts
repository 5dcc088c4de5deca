import type { Clock } from '../../clock.ts';

/**
 * The wall clock of the store's server, read with the monotonic clock of this machine: so that all processes of a store
 * agree on the time to some milliseconds, whatever their machines' clocks say.
 */
export class ServerTime {
  readonly #clock: Clock;
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970. */
  now = (): number => Math.round(this.#clock.now() + this.#ahead);

  /** `ask` runs the command TIME. Rejects as it does. */
  async measure(ask: () => Promise<unknown>): Promise<void> {
    const begun = this.#clock.now();
    const [seconds, micros] = (await ask()) as [string, string];
    // The answer is from about the middle of the wait.
    this.#ahead = Number(seconds) * 1_000 + Number(micros) / 1_000 - (begun + this.#clock.now()) / 2;
  }
}
