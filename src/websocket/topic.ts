import type { Buffer } from 'node:buffer';
import type { Batch } from './batch.ts';
import type { Connection } from './connection.ts';

/** A connection that subscribes to topics. */
export interface Subscriber {
  readonly connection: Connection;
  topics: Set<Topic> | null;
  /** In turn number `turn`, publications before number `cursor` are queued for it already; -1 and 0 at first. */
  turn: number;
  cursor: number;
  /** The last turn in whose delivery it was visited; -1 at first. */
  met: number;
}

/** A name that connections subscribe to. */
export class Topic {
  readonly name: string;
  readonly subscribers = new Set<Subscriber>();
  /** What was published in this turn. */
  batch: Batch<Subscriber> | null = null;
  /** A buffer for the next batch, if no queue holds the last batch's any more. */
  spare: Buffer | null = null;

  constructor(name: string) {
    this.name = name;
  }
}
