import type { ErrorCode } from '../errors.ts';
import type { LogGap, LogState } from './broker.ts';
import type { KeyWindow } from './key-window.ts';
import type { Moment } from './log-time.ts';

/** The messages between the broker and the thread that owns the database. Tuples, which are cheap to clone. */

export interface StoreOptions {
  path: string;
  /** The wall clock at the time of opening. */
  now: number;
  /** Milliseconds to wait for another program's lock. */
  lockTimeout: number;
  /** The maximum size of the database. */
  bytes: number;
  keys: KeyWindow;
  /** Milliseconds after which the identity of an empty, unused log is forgotten. */
  forgetAfter: number;
}

export type PublishOperation = readonly [
  kind: 'publish',
  channel: string,
  data: string,
  meta: string | null,
  key: string | null,
  owner: string | null,
  size: number,
  ttl: number,
];
export type ReadOperation = readonly [
  kind: 'read',
  channel: string,
  epoch: string,
  offset: number,
  limit: number,
  bytes: number,
];
export type TrimOperation = readonly [kind: 'trim', channel: string, size: number, ttl: number];
export type Operation =
  | PublishOperation
  | ReadOperation
  | TrimOperation
  | readonly ['state', channel: string]
  | readonly ['forget', channel: string];

export type Appended = readonly [epoch: string, offset: number, time: number, duplicate: boolean];

/** A page by columns; the first entry has the offset `from`. */
export interface Columns extends LogState {
  from: number;
  times: number[];
  data: string[];
  meta: (string | null)[];
}

export interface Failure {
  code: ErrorCode;
  happened: string;
}

/** The result of an operation, in the order of operations. */
export type Outcome = Appended | Columns | LogGap | LogState | Failure;

export type ToStore =
  | { kind: 'batch'; moment: Moment; operations: readonly Operation[] }
  | { kind: 'sweep'; moment: Moment }
  | { kind: 'close' };

export type FromStore =
  | { kind: 'ready'; newest: number | null }
  | { kind: 'refused'; failure: Failure }
  | { kind: 'done'; outcomes: Outcome[] };
