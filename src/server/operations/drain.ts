import { type Clock, systemClock } from '../../clock.ts';

/** One part of the daemon that has to be stopped. */
export interface Step {
  /** For the log: 'the WebSockets'. */
  readonly what: string;
  readonly stop: (
    /** Milliseconds that are left. */
    left: number,
  ) => unknown;
}

export interface DrainOptions {
  /** Milliseconds for all of it. */
  readonly deadline: number;
  readonly log: Record<'info' | 'warn' | 'error', (fields: object, sentence: string) => void>;
  readonly clock?: Clock;
}

/** Stops the daemon in good order: one step after the other, of which none can hold up the end beyond the deadline. */
export class Drain {
  readonly #options: DrainOptions;
  readonly #clock: Clock;
  #drained: Promise<boolean> | null = null;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** From the first call of `run` on: then nobody new should be sent here. */
  get isDraining(): boolean {
    return this.#drained !== null;
  }

  /** Stops everything, once. True when all was done in time. A step that fails is logged, and the next ones go on. */
  run(steps: readonly Step[]): Promise<boolean> {
    this.#drained ??= this.#run(steps);
    return this.#drained;
  }

  async #run(steps: readonly Step[]): Promise<boolean> {
    const { deadline, log } = this.#options;
    const begun = this.#clock.now();
    let isLate = false;
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(deadline, () => {
        isLate = true;
        resolve();
      });
    });
    log.info({ deadline }, 'stopping');
    for (const { what, stop } of steps) {
      const left = Math.max(0, deadline - (this.#clock.now() - begun));
      const attempt = async () => stop(left);
      const stopped = attempt().catch((err) => log.error({ err }, `${what} did not stop in good order`));
      await Promise.race([stopped, late]);
      if (isLate) {
        log.warn({ deadline }, `${what} did not stop in time`);
        return false;
      }
    }
    cancel();
    log.info({ took: Math.round(this.#clock.now() - begun) }, 'stopped');
    return true;
  }
}
