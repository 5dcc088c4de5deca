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

/** The topic of every connection that has said `hi`. */
export const EVERYONE = 'everyone';
