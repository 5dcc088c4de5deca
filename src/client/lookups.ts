import type { History, Position, Presence } from '../protocol/index.ts';
import type { ClientContext } from './context.ts';
import { encodeParts } from './json.ts';
import type { Message } from './messages.ts';

export interface HistoryOptions {
  /** Return what came after this position. Default: from the oldest one kept. */
  after?: Position;
  /** Messages at most, 1 to 10,000. Default 256. */
  limit?: number;
  /** Milliseconds. Default 10,000. */
  timeout?: number;
}

export interface HistoryPage<T> extends Omit<History, 'entries'> {
  /** Oldest first. For the next page, pass the last one's position as `after`. */
  messages: Message<T>[];
}

export async function lookUpHistory<T>(
  { session, outbox }: ClientContext,
  channel: string,
  { after, limit, timeout }: HistoryOptions = {},
): Promise<HistoryPage<T>> {
  const parts = encodeParts('history', channel, { at: after, limit });
  const { entries, ...page } = (await session.request('get', parts, { repeat: true, timeout })) as History;
  return {
    ...page,
    messages: entries.map(
      ([offset, data, meta]) => outbox.toMessage(channel, [page.epoch, offset], data, meta) as Message<T>,
    ),
  };
}

export async function lookUpPresence(
  { session }: ClientContext,
  channel: string,
  timeout: number | undefined,
): Promise<Presence> {
  return (await session.request('get', encodeParts('presence', channel), { repeat: true, timeout })) as Presence;
}
