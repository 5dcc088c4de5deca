import type { ErrorCode } from '../errors.ts';
import type { LogGap, LogState } from './broker.ts';
import type { KeyWindow } from './key-window.ts';
import type { Moment } from './log-time.ts';
import type { Queued, QueueOptions, QueueState } from './queueing.ts';

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
  sent: string | null,
  /** Of those that must not pass each other. */
  sequence: number | null,
  isUnqueued: boolean,
];
export type RewriteOperation = readonly [
  kind: 'rewrite',
  channel: string,
  epoch: string,
  offset: number,
  data: string,
  meta: string | null,
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
export type LogOperation =
  | PublishOperation
  | ReadOperation
  | TrimOperation
  | RewriteOperation
  | readonly ['state', channel: string]
  | readonly ['forget', channel: string];
export type Operation =
  | LogOperation
  | readonly ['changeQueue', change: QueueChange]
  | readonly ['askQueue', question: QueueQuestion];

export type QueueChange =
  | readonly ['use', queues: readonly QueueOptions[]]
  | readonly ['settle', queue: string, upTo: number]
  | readonly ['setAside', queue: string, place: number, reason: string]
  | readonly ['retry', queue: string, places: readonly number[] | undefined]
  | readonly ['drop', queue: string, places: readonly number[]];
export type QueueQuestion =
  | readonly ['page', queue: string, limit: number, bytes: number]
  | readonly ['aside', queue: string, limit: number, bytes: number, after: number]
  | readonly ['state', queue: string];

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
export type Outcome =
  | Appended
  | Columns
  | LogGap
  | LogState
  | { rows: readonly Queued[] }
  | QueueState
  /** How many entries were moved or removed, where that is asked. */
  | { changed: number }
  | Failure;

export type ToStore =
  | { kind: 'batch'; moment: Moment; operations: readonly Operation[] }
  | { kind: 'sweep'; moment: Moment }
  | { kind: 'close' };

export type FromStore =
  | { kind: 'ready'; newest: number | null; seed: string }
  | { kind: 'refused'; failure: Failure }
  | { kind: 'done'; outcomes: Outcome[] };
