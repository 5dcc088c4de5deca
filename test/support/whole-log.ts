import type { Hub } from '../../src/hub/index.ts';

/** The data of everything that a channel's log has, the oldest first. */
export async function wholeLog(hub: Pick<Hub, 'history'>, channel: string): Promise<unknown[]> {
  const data: unknown[] = [];
  let { epoch, oldest, head } = await hub.history(channel, { limit: 1 });
  for (let at = oldest - 1; at < head; ) {
    const page = await hub.history(channel, { at: [epoch, at], limit: 256 });
    for (const [offset, value] of page.entries) {
      data.push(value);
      at = offset;
    }
    ({ head, epoch } = page);
  }
  return data;
}
