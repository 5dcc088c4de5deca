import type { HistoryOptions, HistoryPage, Message } from '../client/index.ts';
import type { Position } from '../protocol/index.ts';

export interface OlderPage<T> {
  /** Oldest first. */
  messages: Message<T>[];
  /** Whether the log has more before them. */
  hasOlder: boolean;
}

/**
 * The `count` messages before a position, in a log that is read forwards: its offsets have no holes, so that they begin
 * `count` before it. A page may end early by its size in bytes, and then the rest is asked for. Undefined when the log is
 * another one now.
 */
export async function readOlder<T>(
  history: (options: HistoryOptions) => Promise<HistoryPage<T>>,
  [epoch, offset]: Position,
  count: number,
): Promise<OlderPage<T> | undefined> {
  const last = offset - 1;
  const begin = Math.max(0, last - count);
  const messages: Message<T>[] = [];
  let oldest = 1;
  for (let at = begin; at < last; ) {
    const page = await history({ after: [epoch, at], limit: Math.min(last - at, 10_000) });
    if (page.epoch !== epoch) return undefined;
    oldest = page.oldest;
    const older = page.messages.filter(({ position }) => position![1] <= last);
    messages.push(...older);
    // The log may have nothing of it any more.
    at = older.at(-1)?.position?.[1] ?? last;
  }
  const first = messages[0]?.position?.[1];
  return { messages, hasOlder: first !== undefined && first > oldest };
}
