import { readFileSync } from 'node:fs';

/** What docs/scale.md computes with: measured on one machine, in one run of `npm run bench:scale`. */
export interface Constants {
  readonly date: string;
  readonly machine: string;
  readonly versions: readonly string[];
  readonly remarks: readonly string[];
  readonly node: {
    /** Bytes of a daemon without clients. */
    readonly idle: number;
    /** Bytes of a connection that has subscribed to a channel which others have, too. */
    readonly connection: number;
    /** Bytes of a channel of which this node has a subscriber. */
    readonly channel: number;
    /** Microseconds of CPU: connection, `hi` and a subscription. */
    readonly entering: number;
    /** Microseconds of CPU: a publication that is handed to Redis, and acknowledged. */
    readonly publication: number;
    /** Microseconds of CPU: a publication that is heard from Redis. */
    readonly hearing: number;
    /** Microseconds of CPU: the head of one channel, asked for and compared. */
    readonly head: number;
    /** Microseconds of CPU: one publication sent to one reader, one at a time, and 16 at a time. */
    readonly delivery: readonly [alone: number, together: number];
  };
  readonly redis: {
    /** Microseconds of CPU: a publication that no node hears. */
    readonly publication: number;
    /** Microseconds of CPU more for each node that hears it. */
    readonly hearing: number;
    /** Microseconds of CPU: a node that begins to hear a channel. */
    readonly watching: number;
    /** Microseconds of CPU: the head of one channel, asked for by one node. */
    readonly head: number;
    /** Bytes of a channel with one publication of 64 bytes in its log, and of each more. */
    readonly channel: number;
    readonly entry: number;
  };
}

export const FILE = new URL('./constants.json', import.meta.url);

export function readConstants(): Constants {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Constants;
}
