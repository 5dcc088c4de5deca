import { type Clock, systemClock } from '../../clock.ts';
import type { Hub } from '../../hub/index.ts';

/** A channel of the daemon's own, whose log keeps nothing. */
const CHANNEL = 'zocalo:health';
/** Milliseconds that a publication may take to come back. */
const PATIENCE = 2_000;
/** Milliseconds for which an outcome is given again, so that being asked often costs no more than being asked now and then. */
const FRESH = 1_000;

export interface HealthOptions {
  readonly clock?: Clock;
  /** Is told how many seconds a publication took to come back. */
  readonly onDelivered?: (seconds: number) => void;
}

/** Undefined when all is well, else why it is not. */
export type Trouble = string | undefined;

/**
 * Whether the daemon does what it is there for: a publication goes the usual way, through the log with its disk, and has
 * to come back.
 */
export class Health {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #onDelivered: (seconds: number) => void;
  #probe: Promise<Trouble> | undefined;
  #probed = Number.NEGATIVE_INFINITY;
  #number = 0;
  #heard: (number: unknown) => void = () => {};
  #unwatch = (): void => {};

  constructor(hub: Hub, { clock = systemClock, onDelivered = () => {} }: HealthOptions = {}) {
    this.#hub = hub;
    this.#clock = clock;
    this.#onDelivered = onDelivered;
  }

  async open(): Promise<void> {
    this.#unwatch = await this.#hub.watch(CHANNEL, (_, number) => this.#heard(number));
  }

  close(): void {
    this.#unwatch();
  }

  /** Never rejects. */
  check(): Promise<Trouble> {
    if (!this.#probe || this.#clock.now() - this.#probed > FRESH) {
      const probe = this.#deliver();
      this.#probe = probe;
      this.#probed = Number.POSITIVE_INFINITY; // other requests meanwhile wait for this one
      void probe.then(() => {
        this.#probed = this.#clock.now();
      });
    }
    return this.#probe;
  }

  async #deliver(): Promise<Trouble> {
    const number = ++this.#number;
    const begun = this.#clock.now();
    let cancel = (): void => {};
    const late = new Promise<Trouble>((resolve) => {
      cancel = this.#clock.after(PATIENCE, () => resolve(`a publication did not come back within ${PATIENCE} ms`));
    });
    const back = new Promise<Trouble>((resolve) => {
      this.#heard = (heard) => heard === number && resolve(undefined);
    });
    const failed = new Promise<Trouble>((resolve) => {
      this.#hub.publish(CHANNEL, number).catch(({ code }) => resolve(`a publication failed: ${code}`));
    });
    const trouble = await Promise.race([back, failed, late]);
    cancel();
    if (trouble === undefined) this.#onDelivered((this.#clock.now() - begun) / 1000);
    return trouble;
  }
}
