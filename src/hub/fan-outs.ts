import type { Outgoing } from './outgoing.ts';
import type { Wire } from './wire.ts';

/** The transport's fan-out: the only loop over many receivers. */
export interface FanOut {
  /**
   * Sends the same to every wire that is subscribed to `topic`, except to `except`. Returns the number of subscribers.
   */
  publish(topic: string, outgoing: Outgoing, except?: Wire): number;
}

/** Several fan-outs as one: a hub may be served on several addresses. */
export class FanOuts implements FanOut {
  #all = new Set<FanOut>();
  readonly #onDelivered: (receivers: number, outgoing: Outgoing) => void;

  constructor(onDelivered: (receivers: number, outgoing: Outgoing) => void) {
    this.#onDelivered = onDelivered;
  }

  /** Returns a function that removes it. */
  add(fanOut: FanOut): () => void {
    this.#all.add(fanOut);
    return () => this.#all.delete(fanOut);
  }

  publish(topic: string, outgoing: Outgoing, except?: Wire): number {
    let receivers = 0;
    for (const fanOut of this.#all) receivers += fanOut.publish(topic, outgoing, except);
    if (receivers > 0) this.#onDelivered(receivers, outgoing);
    return receivers;
  }
}
