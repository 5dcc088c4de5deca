import type { Hub } from '../../hub/index.ts';

/** Publications that are looked at: the newest of a channel. */
const LOOKED_AT = 1_000;
const PAGE = 250;

/**
 * The keys of a channel's newest publications. The log recognises a repeated key for ten minutes. A row can be repeated
 * later: its daemon died between the publication and the DELETE, or lost its database then, and nobody came back for
 * longer than that. The publication itself tells then, for as long as the channel keeps it.
 */
export async function keysIn(log: Pick<Hub, 'history'>, channel: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  const { epoch, oldest, head } = await log.history(channel, { limit: 1 });
  let at = Math.max(oldest - 1, head - LOOKED_AT);
  while (at < head) {
    const { entries } = await log.history(channel, { at: [epoch, at], limit: PAGE });
    if (entries.length === 0) break;
    for (const [offset, , meta] of entries) {
      if (meta?.key !== undefined) keys.add(meta.key);
      at = offset;
    }
  }
  return keys;
}
