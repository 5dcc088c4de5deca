import { type Clock, systemClock } from '../../clock.ts';

/** One part of the daemon that has to be stopped. */
export interface Step {
  /** For the log: 'the WebSockets'. */
  readonly what: string;
  readonly stop: (
    /** Milliseconds that it has. */
    grace: number,
  ) => unknown;
  /** It lets somebody in: all doors that follow each other close at the same time. */
  readonly isDoor?: boolean;
}

export interface DrainOptions {
  /** Milliseconds for all of it. */
  readonly deadline: number;
  readonly log: Record<'info' | 'warn' | 'error', (fields: object, sentence: string) => void>;
  readonly clock?: Clock;
}

/**
 * Stops the daemon in good order: all doors at once, then one step after the other. A step that is late is left behind,
 * and the next ones have their time all the same: it may take what is left but for a tenth of the whole, or half of it
 * where that is more. So all of it is over at the deadline, and everything was told to stop.
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

  /** From the first call of `run` on: then nobody new should be sent here. */
  get isDraining(): boolean {
    return this.#drained !== null;
  }

  /** Stops everything, once. True when all was done in time. A step that fails is logged, and the next ones go on. */
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
    // It has a little less, to be done with it when its time is over.
    const attempt = async () => stop(Math.floor(patience * 0.95));
    const stopped = attempt()
      .catch((err) => log.error({ err }, `${what} did not stop in good order`))
      .then(() => true);
    const inTime = await Promise.race([stopped, late]);
    cancel();
    if (!inTime) log.warn({ deadline }, `${what} did not stop in time`);
    return inTime;
  }
}

/** Doors that follow each other are one group. */
function groupsOf(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.isDoor && last?.[0]?.isDoor) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
