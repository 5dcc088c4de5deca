import { encode, type GetOptions, type History, type Position, type Presence } from '../protocol/index.ts';
import { type Message, toMessage } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './session.ts';

export interface HistoryOptions {
  /** What came after this position. Default: from the oldest that is kept. */
  after?: Position;
  /** At most so many messages, 1 to 10,000. Default 256. */
  limit?: number;
  /** Milliseconds. Default 10,000. */
  timeout?: number;
}

export interface HistoryPage<T> extends Omit<History, 'entries'> {
  /** Oldest first. To go on, ask for what comes after the last one's position. */
  messages: Message<T>[];
}

/** What a subscription borrows of its client. */
export interface House {
  session: Session;
  outbox: Outbox;
}

export async function lookUpHistory<T>(
  { session, outbox }: House,
  channel: string,
  { after, limit, timeout }: HistoryOptions = {},
): Promise<HistoryPage<T>> {
  // JSON leaves out what is undefined.
  const options = { at: after, limit } as GetOptions;
  const line = (id: number) => encode(['get', id, 'history', channel, options]);
  const { entries, ...page } = (await session.request(line, true, timeout)) as History;
  const isOwn = (key: string) => outbox.isOwn(key);
  return {
    ...page,
    messages: entries.map(
      ([offset, data, meta]) => toMessage(channel, [page.epoch, offset], data, meta, isOwn) as Message<T>,
    ),
  };
}

export async function lookUpPresence(
  { session }: House,
  channel: string,
  timeout: number | undefined,
): Promise<Presence> {
  return (await session.request((id) => encode(['get', id, 'presence', channel, {}]), true, timeout)) as Presence;
}
