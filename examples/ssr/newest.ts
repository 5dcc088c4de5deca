import type { Hub } from 'zocalo';
import type { Line } from './lines.ts';

/** The newest messages of a channel, for a page that is rendered now. */
export async function newest(hub: Hub, channel: string, count: number): Promise<Line[]> {
  const { epoch, head } = await hub.history(channel, { limit: 1 });
  const { entries } = await hub.history(channel, head > count ? { at: [epoch, head - count] } : {});
  return entries.map(([offset, data, meta]) => ({ id: meta?.key ?? `${epoch}/${offset}`, data: data as Line['data'] }));
}
