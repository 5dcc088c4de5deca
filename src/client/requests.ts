import type { ProtocolError } from '../protocol/index.ts';

/** Called at once, while the frame is being handled: its next lines may depend on it. */
export interface Answer {
  ok(result: unknown): void;
  err(error: ProtocolError): void;
}

/** A line that waits to be sent, or for its answer. */
export interface Request extends Answer {
  id: number;
  line: string;
  /** Milliseconds for its answer before the connection counts as lost. */
  within: number;
  /** The time at which it is late; Infinity until it is sent. */
  due: number;
  isSent: boolean;
  /** Whether it was sent with a new token already, or is itself about a token. */
  isRenewed: boolean;
}

/** A line to send: a request, or a line without an answer. */
export type Line = Pick<Request, 'line'> & Partial<Pick<Request, 'within' | 'due' | 'isSent'>>;

export interface Asking {
  /** Send it again after a loss. */
  repeat?: boolean;
  /** Milliseconds. Default 10,000. */
  timeout?: number | undefined;
}
