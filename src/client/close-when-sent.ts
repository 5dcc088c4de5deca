import { after } from '../clock.ts';
import type { Client } from './client.ts';
import type { Timers } from './reconnecting-socket.ts';

/**
 * Closes the client as soon as all its publications are acknowledged, and after `timeout` milliseconds at the latest:
 * for a program that ends, or a page whose user logs out. Resolves with the number of those that are not acknowledged,
 * which are rejected with CLOSED; a storage keeps them. A function of its own, so that pages without it do not load it.
 *
 * @example
 * const lost = await closeWhenSent(client, { timeout: 2_000 });
 */
export async function closeWhenSent(
  // biome-ignore lint/suspicious/noExplicitAny: of any contract.
  client: Client<any>,
  { timeout = 5_000, after: start = after }: { timeout?: number; after?: Timers['after'] } = {},
): Promise<number> {
  if (client.unacknowledged > 0 && client.state !== 'closed')
    await new Promise<void>((resolve) => {
      const offs = [
        start(timeout, done),
        client.on('waiting', (waiting) => waiting.length === 0 && done()),
        client.on('state', (state) => state === 'closed' && done()),
      ];
      function done(): void {
        for (const off of offs) off();
        resolve();
      }
    });
  // At the end of the tick, so that who published is told first.
  await Promise.resolve();
  const { unacknowledged } = client;
  client.close();
  return unacknowledged;
}
