import type { FeedState, GapEvent, PublicationOptions, SubscribeOptions } from '../client/index.ts';
import type { Member, Position } from '../protocol/index.ts';
import type { Row } from './rows.ts';

/** What a list of a channel starts with and keeps. */
export interface ChannelViewOptions extends Omit<SubscribeOptions, 'since' | 'signal'> {
  /** Messages to keep at most, besides older pages that were asked for. Default 1,000. */
  limit?: number;
}

/** Who is in a channel. `members` is empty where the channel only counts. */
export interface PresenceSnapshot {
  readonly members: ReadonlyMap<string, Member>;
  readonly count: number;
}

/** What there is to show of a channel. */
export interface ChannelSnapshot<T = unknown> {
  /** Of the log, oldest first, and after them our own that are on their way. Those with `keep: false` are not among them. */
  readonly messages: readonly Row<T>[];
  readonly presence: PresenceSnapshot;
  /** `waiting` for a connection, `subscribing`, `catchingUp` on what was missed, `live`, or `ended`. */
  readonly state: FeedState;
  /** Why the server ended it. */
  readonly error: Error | undefined;
  /** The first data that the server had for this subscriber. */
  readonly data: unknown;
  /** Whether there is more for `loadOlder`. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** The last loss: what was shown before it is gone, and the newest that the log still has is loaded. */
  readonly gap: GapEvent | undefined;
}

/** `key` is known at once: it is the `id` of the row that shows it. Undefined for what is not kept, or was refused here. */
export type Publishing = Promise<Position | undefined> & { readonly key: string | undefined };

/** What may be done in a channel that is shown. The functions need no `this`. */
export interface ChannelActions<T = unknown, Input = T> {
  /**
   * Publishes, and shows it at once as a row with the status `sending`. Resolves as the client's `publish`; when it
   * rejects, the row says why, so that nobody has to catch it. What was taken back by `signal` has no row.
   */
  publish(data: Input, options?: PublicationOptions): Publishing;
  /** Loads up to `count` messages before the oldest one shown; default 50. Rejects as the client's `history`. */
  loadOlder(count?: number): Promise<void>;
  /** Changes what the others see of us, in place; undefined leaves. Rejects as the subscription's. */
  setMember(member: unknown): Promise<void>;
  /** Publishes a failed row again, as a new one. */
  retry(row: Row<T>): Publishing | undefined;
  /** Removes a failed row. */
  discard(row: Row<T>): void;
}
