import type { Code } from '../protocol/index.ts';
import type { Outgoing } from './outgoing.ts';

/** Why the hub ends a connection. A transport with close codes has `closeCode` for them. */
export interface CloseReason {
  readonly code: Code;
  readonly message: string;
  /** Milliseconds until the client may come back; absent if it must not by itself, or cannot be told. */
  readonly after?: number;
}

/**
 * The outgoing side of one connection, provided by its transport. What is passed to `send` and what is published to
 * this connection's topics arrive in the order of the calls.
 */
export interface Wire {
  /** The client's IP address, if it has one. */
  readonly remoteAddress?: string;
  /** False when much is queued already: then await `drained` before sending much more. */
  send(outgoing: Outgoing): boolean;
  /** Resolves when everything sent so far has left, or the connection is over. */
  drained(): Promise<void>;
  /** From the return of this call on, what is published to `topic` is sent here too. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Ends the connection after what was sent. */
  close(reason: CloseReason): void;
}

/** The reason as one sentence, for a client that gets only text. */
export function closeText({ code, message }: CloseReason): string {
  return `${code}: ${message}`;
}

/** The topic of every connection that has sent `hi`. */
export const EVERYONE = 'everyone';
