import { type Clock, systemClock } from '../../clock.ts';

/** One part of the daemon to stop. */
export interface Step {
  /** For the log: 'the WebSockets'. */
  readonly what: string;
  readonly stop: (
    /** The time that it has, in milliseconds. */
    grace: number,
  ) => unknown;
  /** It accepts clients: listeners that follow each other are closed at the same time. */
  readonly isListener?: boolean;
}

export interface DrainOptions {
  /** Milliseconds for all of it. */
  readonly deadline: number;
  readonly log: Record<'info' | 'warn' | 'error', (fields: object, sentence: string) => void>;
  readonly clock?: Clock;
}

/**
 * Stops the daemon gracefully: all listeners at once, then one step after the other. A step that is late is
 * abandoned, so that every step gets a turn before the deadline: each may use the remaining time less a tenth of the
 * whole, or half of the remaining time if that is more.
 */
export class Drain {
  /** Milliseconds for all of it. */
  deadline: number;
  readonly #log: DrainOptions['log'];
  readonly #clock: Clock;
  #drained: Promise<boolean> | null = null;

  constructor({ deadline, log, clock = systemClock }: DrainOptions) {
    this.deadline = deadline;
    this.#log = log;
    this.#clock = clock;
  }

  /** True from the first call of `run`: load balancers should send no new clients here. */
  get isDraining(): boolean {
    return this.#drained !== null;
  }

  /** Stops everything, once. True when all was done in time. A step that fails is logged, and the next ones still run. */
  run(steps: readonly Step[]): Promise<boolean> {
    this.#drained ??= this.#run(steps, this.deadline);
    return this.#drained;
  }

  async #run(steps: readonly Step[], deadline: number): Promise<boolean> {
    const log = this.#log;
    const begun = this.#clock.now();
    log.info({ deadline }, 'stopping');
    let inTime = true;
    for (const group of groupsOf(steps)) {
      const left = Math.max(0, deadline - (this.#clock.now() - begun));
      const patience = Math.max(left - deadline / 10, left / 2);
      const stopped = await Promise.all(group.map((step) => this.#stop(step, patience, deadline)));
      inTime &&= stopped.every(Boolean);
    }
    if (inTime) log.info({ took: Math.round(this.#clock.now() - begun) }, 'stopped');
    return inTime;
  }

  /** False when it was late. */
  async #stop({ what, stop }: Step, patience: number, deadline: number): Promise<boolean> {
    const log = this.#log;
    let cancel = () => {};
    const late = new Promise<false>((resolve) => {
      cancel = this.#clock.after(patience, () => resolve(false));
    });
    // The step is given slightly less time than it has, so that it can finish just in time.
    const attempt = async () => stop(Math.floor(patience * 0.95));
    const stopped = attempt()
      .catch((err) => log.error({ err }, `${what} failed while it stopped`))
      .then(() => true);
    const inTime = await Promise.race([stopped, late]);
    cancel();
    if (!inTime) log.warn({ deadline }, `${what} did not stop in time`);
    return inTime;
  }
}

/** Listeners that follow each other are one group. */
function groupsOf(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.isListener && last?.[0]?.isListener) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
