import { randomInt } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.ts';
import type { Hub } from '../../hub/index.ts';

/** One of the daemon's own channels, without history. */
const CHANNEL = 'zocalo:health';
/** Milliseconds within which the publication must be delivered. */
const PATIENCE = 2_000;
/** Milliseconds for which a result is reused, so that frequent probes cost no more than rare ones. */
const FRESH = 1_000;

/** Why the check failed; undefined when all is well. */
export type Trouble = string | undefined;

export interface HealthOptions {
  readonly clock?: Clock;
  /** Called with the seconds from publication to delivery. */
  readonly onDelivered?: (seconds: number) => void;
  /** What is wrong with the store, as far as it knows by itself. */
  readonly trouble?: () => Trouble;
}

/** An end-to-end check: a publication goes through the log, with its disk, and must be delivered. */
export class Health {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #onDelivered: (seconds: number) => void;
  readonly #trouble: () => Trouble;
  #probe: Promise<Trouble> | undefined;
  #probed = Number.NEGATIVE_INFINITY;
  /** Of the last publication. It starts anywhere, so that no node takes another's for its own. */
  #number = randomInt(2 ** 47);
  #heard: (number: unknown) => void = () => {};
  #unwatch = (): void => {};

  constructor(
    hub: Hub,
    { clock = systemClock, onDelivered = () => {}, trouble = () => undefined }: HealthOptions = {},
  ) {
    this.#hub = hub;
    this.#clock = clock;
    this.#onDelivered = onDelivered;
    this.#trouble = trouble;
  }

  async open(): Promise<void> {
    this.#unwatch = await this.#hub.watch(CHANNEL, (_, number) => this.#heard(number));
  }

  close(): void {
    this.#unwatch();
  }

  /** Never rejects. */
  async check(): Promise<Trouble> {
    return this.#trouble() ?? this.#checkDelivery();
  }

  #checkDelivery(): Promise<Trouble> {
    if (!this.#probe || this.#clock.now() - this.#probed > FRESH) {
      const probe = this.#deliver();
      this.#probe = probe;
      this.#probed = Number.POSITIVE_INFINITY; // requests that come meanwhile wait for this one
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
