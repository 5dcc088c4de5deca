/** What is added to a queue: an event, a change of who was reported present, or both together. */
export interface QueuedNews {
  /** A JSON object. */
  readonly event?: string | undefined;
  /** An event with the id of one of the last 10,000 is not added again. An id without an event is one that was missed. */
  readonly id?: string | undefined;
  /** With a change that is none, since it was made before, the event is not added. */
  readonly change?: { readonly kind: string; readonly name: string; readonly isHere: boolean } | undefined;
}

export interface QueuePage {
  readonly events: readonly { readonly version: number; readonly event: string }[];
  readonly first: number;
  readonly last: number;
  /** Events that were dropped before these, since too many waited. */
  readonly missed: number;
}

/** Events that wait for receivers outside of the cluster, in queues that all nodes share. All of it rejects with LOG_…. */
export interface EventQueues {
  /** Adds all of it, or nothing; the versions of events ascend. `lost`: events that could not be added before. */
  add(queue: string, news: readonly QueuedNews[], lost: number): Promise<{ readonly dropped: number }>;
  /** The oldest events, so many at the most; undefined: there are none. */
  page(queue: string, most: number): Promise<QueuePage | undefined>;
  acknowledge(queue: string, page: Pick<QueuePage, 'events' | 'missed'>): Promise<void>;
  /** The names of a kind that were reported present last. */
  here(queue: string, kind: string): Promise<string[]>;
}

/** What the node does that leads in something. */
export interface Leading {
  /** This node leads from now on, until `onLost`. */
  onGained(): void;
  /** Another node may lead. */
  onLost(): void;
  /** The store was away, and may have lost the end of what it had. This node leads on. */
  onBack(): void;
}
