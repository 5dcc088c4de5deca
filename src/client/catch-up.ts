import type { Gap, History, Position, ProtocolError } from '../protocol/index.ts';
import type { encodeParts } from './json.ts';
import type { Message } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { IsPassing } from './people.ts';
import type { Session } from './session.ts';

/** Publications of one answer. A constant of its own, since an import would make a third file, which every page loads. */
const PAGE = 256;

/** A reader that dropped what it had no room for. */
interface Late {
  /** Of the last publication received, where everything before it was received or reported as lost. */
  readonly received: Position | undefined;
  /** Up to this offset it receives what the log has, and the rest is no loss. */
  readonly until: number;
  readonly isOver: boolean;
  cancelRetry: () => void;
  resume(messages?: readonly Message[], start?: Position, lost?: Omit<Gap, 'have'>): void;
}

/** What it needs of the reader's feed. */
interface LateFeed {
  readonly channel: string;
  /** Of the last publication received. */
  readonly position: Position | undefined;
}

interface CatchUpContext {
  readonly session: Session;
  readonly outbox: Outbox;
}

/** Fetches the next page of the log for a reader that was too slow, or that begins elsewhere than its feed. */
export function catchUp(
  context: CatchUpContext,
  encode: typeof encodeParts,
  isPassing: IsPassing,
  late: Late,
  feed: LateFeed,
  failures = 0,
): void {
  const { session, outbox } = context;
  const { channel } = feed;
  if (session.state !== 'open' || late.isOver) {
    late.resume();
    return;
  }
  // Not by a promise: the next lines of the frame may depend on the page.
  session.ask('get', encode('history', channel, { at: late.received, limit: PAGE }), {
    ok: (page) => late.resume(...read(page as History)),
    err: refused,
    // The feed subscribes again, and then we go on.
    lost: () => late.resume(),
  });

  function read(page: History): Parameters<Late['resume']> {
    const { epoch, oldest, head, gap } = page;
    const [own, at] = late.received!;
    const have = Math.max(at, late.until);
    if (gap && (own !== epoch || have < oldest - 1)) return [[], [own, have], { epoch, oldest, head }];
    return [outbox.toMessages(channel, page), gap && [epoch, oldest - 1]];
  }

  function refused(error: ProtocolError): void {
    if (late.isOver) return;
    if (isPassing(error)) {
      const again = () => catchUp(context, encode, isPassing, late, feed, failures + 1);
      late.cancelRetry = session.retry(error, failures, again);
      return;
    }
    // With any other code, what we want is not available.
    const [epoch, head] = feed.position!;
    late.resume([], undefined, { epoch, oldest: head + 1, head });
  }
}
