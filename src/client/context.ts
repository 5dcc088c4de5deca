import type { FeedContext } from './feed.ts';
import type { OutboxContext } from './outbox.ts';
import type { Patterns } from './patterns.ts';

/** What the parts of one client share. */
export interface ClientContext extends FeedContext, OutboxContext {
  /** Loaded with the first pattern. */
  patterns?: Patterns | undefined;
}
