/**
 * One connection's way out, as the floor of sockets lends it to the hub. What `send` is given and what is published
 * to the topics of this connection arrive in the order of the calls.
 */
export interface Wire {
  /** The client's IP address, where it has one. */
  readonly remoteAddress?: string;
  /** Sends one text. False when much waits already: then `drained` should be awaited before sending much more. */
  send(text: string): boolean;
  /** Resolves when what was sent so far is on its way, or the connection is over. */
  drained(): Promise<void>;
  /** From the return of this call on, texts published to `topic` arrive here too. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Ends the connection behind what was sent. */
  close(code: number, reason: string): void;
}

/** The fan-out of the floor of sockets: the only loop over many receivers in the house. */
export interface FanOut {
  /**
   * Sends one text to every wire that is subscribed to `topic`, but not to `except`. Encodes it once. Answers how many
   * subscribe to the topic.
   */
  publish(topic: string, text: string, except?: Wire): number;
}

/** Several fan-outs as one: a hub may be served on more than one address. */
export class FanOuts implements FanOut {
  #all = new Set<FanOut>();
  readonly #onDelivered: (receivers: number, text: string) => void;

  constructor(onDelivered: (receivers: number, text: string) => void) {
    this.#onDelivered = onDelivered;
  }

  /** The answer takes it away again. */
  add(fanOut: FanOut): () => void {
    this.#all.add(fanOut);
    return () => this.#all.delete(fanOut);
  }

  publish(topic: string, text: string, except?: Wire): number {
    let receivers = 0;
    for (const fanOut of this.#all) receivers += fanOut.publish(topic, text, except);
    if (receivers > 0) this.#onDelivered(receivers, text);
    return receivers;
  }
}
