import type { ProtocolError } from '../protocol/index.ts';

/** Called at once, while the frame is being handled: its next lines may depend on it. */
export interface Answer {
  ok(result: unknown): void;
  err(error: ProtocolError): void;
  /** The connection was lost before the answer. Default: `err` is called. A `retryAfter` of 0 means that it was not sent. */
  lost?(error: ProtocolError): void;
}

/** A line that waits to be sent, or for its answer. */
export interface Request extends Answer {
  id: number;
  line: string;
  /** Milliseconds for its answer before the connection counts as lost. */
  within: number;
  /** The time at which it is late; Infinity until it is sent. */
  due: number;
  /** Whether it was sent with a new token already, or is itself about a token. */
  isRenewed: boolean;
}

/** A line to send: a request, or a line without an answer. */
export type Line = Pick<Request, 'line'> & Partial<Pick<Request, 'within' | 'due'>>;

export interface Asking extends WaitOptions {
  /** Send it again after a loss. */
  repeat?: boolean;
  /** Called with a function that ends the waiting. */
  begun?: (giveUp: (error: unknown) => void) => void;
}

/** How long to wait for an answer. */
export interface WaitOptions {
  /** Milliseconds; 0 and Infinity: no limit. Default 10,000. */
  timeout?: number | undefined;
  /** Rejects with the signal's reason. What was sent already may be done. */
  signal?: AbortSignal | undefined;
}
