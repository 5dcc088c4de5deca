import type { Clock } from '../../clock.ts';

export interface ProbeOptions {
  readonly clock: Clock;
  /** Milliseconds: of silence before a probe, and that it may take. */
  readonly period: number;
  /** Publishes to a topic that the subscriptions have. Rejects when there is no connection for it. */
  readonly send: () => Promise<unknown>;
  /** Makes the connection for subscriptions anew. */
  readonly rebuild: () => void;
}

/** The most periods between two rebuilds. */
const LONGEST = 10;

/**
 * A connection for subscriptions may be alive for TCP and dead in fact: attached to a server that gets no publications
 * any more, or cut off by something in between. So one that hears nothing gets a message of its own; if that is not
 * heard either, the connection is made anew, with growing pauses when that does not help.
 */
export class Probe {
  readonly #options: ProbeOptions;
  #stop = (): void => {};
  #heard = false;
  #isWaiting = false;
  /** Rebuilds without hearing anything since. */
  #rebuilds = 0;
  /** Periods until the next look. */
  #pause = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Nothing was heard of the last probe, and the connection is made anew. */
  get isDeaf(): boolean {
    return this.#rebuilds > 0;
  }

  start(): void {
    this.#stop = this.#options.clock.every(this.#options.period, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  /** Something was heard, whatever it is. */
  hear(): void {
    this.#heard = true;
    this.#isWaiting = false;
    this.#rebuilds = 0;
    this.#pause = 0;
  }

  #look(): void {
    if (this.#heard) {
      this.#heard = false;
      return;
    }
    if (this.#pause > 0) {
      this.#pause--;
      return;
    }
    if (this.#isWaiting) {
      this.#isWaiting = false;
      this.#pause = Math.min(LONGEST, 2 ** this.#rebuilds) - 1;
      this.#rebuilds++;
      this.#options.rebuild();
      return;
    }
    this.#options.send().then(
      () => {
        if (!this.#heard) this.#isWaiting = true;
      },
      () => {}, // without a connection for commands there is nothing to hear
    );
  }
}
