import { PatternTable } from '../protocol/index.ts';

/**
 * What a broker may offer besides: queues of what is published, for parts that must see each publication once. A
 * publication enters the log and the queues in one step, so that neither has one that the other lacks; it stays in a
 * queue until it is settled, whatever the log keeps. Every implementation passes test/contract/queues.test.ts.
 */
export interface Queueing {
  /**
   * The queues that there are, from the next publication on. What waits in others is kept, and a queue of that name has
   * it again later. Resolves with a name of this store that no other has.
   */
  useQueues(queues: readonly QueueOptions[]): Promise<string>;

  /** The oldest that wait, ascending; the first even if it alone has more than `bytes`. */
  queued(queue: string, bounds: { readonly limit: number; readonly bytes: number }): Promise<readonly Queued[]>;

  /** Removes what waits, up to and including this place. */
  settle(queue: string, upTo: number): Promise<void>;

  /** Takes one that waits out of the order, and keeps it with the reason; the oldest of more than `ASIDE` is dropped. */
  setAside(queue: string, place: number, reason: string): Promise<void>;

  /** What was set aside, ascending, after a place; as much as `queued`. */
  aside(
    queue: string,
    bounds: { readonly limit: number; readonly bytes: number; readonly after?: number },
  ): Promise<readonly SetAside[]>;

  /**
   * Puts what was set aside at the end of the queue, with new places: all of it, or what has one of these places.
   * Resolves with how many these were.
   */
  retry(queue: string, places?: readonly number[]): Promise<number>;

  /** Forgets what was set aside and has one of these places. Resolves with how many these were. */
  drop(queue: string, places: readonly number[]): Promise<number>;

  queueState(queue: string): Promise<QueueState>;
}

export interface QueueOptions {
  readonly name: string;
  /** Channels and patterns: it gets what is published to one that any of them matches. */
  readonly from: readonly string[];
  /** Others that take channels away from it: where one of these is the most specific one that matches. */
  readonly others?: readonly string[];
  /** The most that may wait; then publications to its channels are refused with LOG_BUSY. */
  readonly rows: number;
  /** Bytes of data and meta that may wait, likewise. */
  readonly bytes: number;
}

/** A publication that waits. */
export interface Queued {
  /**
   * Ascends in the order of publication. It is never used again in this store, even after an older copy of it was
   * restored, since it is the time in microseconds where that is higher than the last one.
   */
  readonly place: number;
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly meta: string | null;
}

/** A publication that was set aside. */
export interface SetAside extends Queued {
  readonly reason: string;
}

export interface QueueState {
  readonly waiting: number;
  readonly aside: number;
  /** When the oldest that waits was published, in milliseconds since 1970. */
  readonly oldest: number | null;
}

/** How many may be set aside in one queue. */
export const ASIDE = 10_000;

/** Whether a queue gets what is published to a channel. */
export function matcherOf({ from, others = [] }: QueueOptions): (channel: string) => boolean {
  const table = new PatternTable<boolean>([
    ...others.map((name) => [name, false] as const),
    ...from.map((name) => [name, true] as const),
  ]);
  return (channel) => table.match(channel)?.value === true;
}

/** The place after `last`. */
export function placeAfter(last: number, now: number): number {
  return Math.max(last + 1, now * 1_000);
}

/** For LOG_BUSY. */
export function queueFull(channel: string, { name, rows }: { readonly name: string; readonly rows: number }): string {
  return `${channel} feeds the queue ${name}, in which as much waits as it may have: ${rows} publications`;
}

export function isQueueing<T extends object>(broker: T): broker is T & Queueing {
  return 'useQueues' in broker;
}
