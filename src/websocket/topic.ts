import type { Buffer } from 'node:buffer';
import type { Batch } from './batch.ts';
import type { Connection } from './connection.ts';

/** One connection's part in the fan-out. */
export interface Subscriber {
  readonly connection: Connection;
  topics: Set<Topic> | null;
  /** Publications of turn `turn` before number `cursor` have been queued for it already; -1 and 0 at first. */
  turn: number;
  cursor: number;
  /** The turn in whose delivery it was met last; -1 at first. */
  met: number;
}

/** A name that connections subscribe to. */
export class Topic {
  readonly name: string;
  readonly subscribers = new Set<Subscriber>();
  /** What was published in this turn. */
  batch: Batch<Subscriber> | null = null;
  /** Room for the next batch, when nothing holds the last one's any more. */
  spare: Buffer | null = null;

  constructor(name: string) {
    this.name = name;
  }
}
