/**
 * The outgoing side of one connection, provided by its transport. What is passed to `send` and what is published to
 * this connection's topics arrive in the order of the calls.
 */
export interface Wire {
  /** The client's IP address, if it has one. */
  readonly remoteAddress?: string;
  /** Sends one text. False when much is queued already: then await `drained` before sending much more. */
  send(text: string): boolean;
  /** Resolves when everything sent so far has left, or the connection is over. */
  drained(): Promise<void>;
  /** From the return of this call on, texts published to `topic` are sent here too. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Ends the connection after what was sent. */
  close(code: number, reason: string): void;
}

/** The topic of every connection that has sent `hi`. */
export const EVERYONE = 'everyone';
