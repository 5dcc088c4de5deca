import type { Feed } from './feed.ts';
import type { Outbox, OutboxStorage } from './outbox.ts';
import type { Patterns } from './patterns.ts';
import type { Session, SessionOptions } from './session.ts';

/** A client's options, with their defaults. */
export interface Settings extends SessionOptions {
  storage?: OutboxStorage | undefined;
  outbox: number;
}

/** What the parts of one client share. */
export interface House {
  readonly settings: Settings;
  readonly session: Session;
  readonly outbox: Outbox;
  /** By channel or pattern. */
  readonly feeds: Map<string, Feed>;
  /** By the server's number of the channel. */
  readonly numbers: Map<number, Feed>;
  /** Loaded with the first pattern. */
  patterns?: Patterns | undefined;
  /** Of an error that is nobody's else. */
  report(error: Error): void;
}
