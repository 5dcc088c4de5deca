import type { History, Position, Presence } from '../protocol/index.ts';
import type { encodeParts } from './json.ts';
import type { Message } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Asking, WaitOptions } from './requests.ts';
import type { Session } from './session.ts';

/** What a look-up needs of its client. */
interface LookupContext {
  readonly session: Session;
  readonly outbox: Outbox;
}

export interface HistoryOptions extends WaitOptions {
  /** Return what came after this position. Default: from the oldest one kept. */
  after?: Position;
  /** Messages at most, 1 to 10,000. Default 256. */
  limit?: number;
}

export interface HistoryPage<T> extends Omit<History, 'entries'> {
  /** Oldest first. For the next page, pass the last one's position as `after`. */
  messages: Message<T>[];
}

/** Like the session's `request`, with a signal that ends the waiting. */
export async function request(session: Session, verb: string, parts: string, options: Asking = {}): Promise<unknown> {
  const { signal } = options;
  if (signal?.aborted) throw signal.reason;
  let abort = () => {};
  const begun = (giveUp: (error: unknown) => void) => {
    abort = () => giveUp(signal?.reason);
    signal?.addEventListener('abort', abort);
  };
  try {
    return await session.request(verb, parts, { ...options, begun });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

export async function lookUpHistory<T>(
  { session, outbox }: LookupContext,
  encode: typeof encodeParts,
  channel: string,
  { after, limit, ...options }: HistoryOptions = {},
): Promise<HistoryPage<T>> {
  const parts = encode('history', channel, { at: after, limit });
  const page = (await request(session, 'get', parts, { ...options, repeat: true })) as History;
  return { ...page, messages: outbox.toMessages(channel, page) as Message<T>[] };
}

export async function lookUpPresence(
  { session }: LookupContext,
  encode: typeof encodeParts,
  channel: string,
  options: WaitOptions | undefined,
): Promise<Presence> {
  return (await request(session, 'get', encode('presence', channel), { ...options, repeat: true })) as Presence;
}
