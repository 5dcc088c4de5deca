import type { Extras } from './extras.ts';
import type { FeedContext } from './feed.ts';
import type { OutboxContext } from './outbox.ts';

/** What the parts of one client share. */
export interface ClientContext extends FeedContext, OutboxContext {
  /** Loaded with the first pattern or member. */
  extras?: Extras | undefined;
  /** Loads them, if they are not loaded yet. */
  load(): Promise<Extras>;
}
