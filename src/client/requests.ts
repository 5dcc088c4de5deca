import type { ProtocolError } from '../protocol/index.ts';

/** Called at once, while the line is being read: what follows on the line may depend on it. */
export interface Answer {
  ok(result: unknown): void;
  err(error: ProtocolError): void;
}

/** A line that waits to be sent, or for its answer. */
export interface Request extends Answer {
  id: number;
  line: string;
  /** Milliseconds that its answer may take before the connection counts as lost. */
  within: number;
  /** When that is; never, until it is sent. */
  due: number;
  isSent: boolean;
  /** Whether it was asked with a new token already, or is about a token itself. */
  isRenewed: boolean;
}

/** What leaves in its turn: a request, or what has no answer. */
export type Line = Pick<Request, 'line'> & Partial<Pick<Request, 'within' | 'due' | 'isSent'>>;

export interface Asking {
  /** After a loss, it is asked again. */
  repeat?: boolean;
  /** Milliseconds. Default 10,000. */
  timeout?: number | undefined;
}
