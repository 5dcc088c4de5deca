import type { ServerMessage } from '../protocol/index.ts';
import type { Client } from './client.ts';
import type { SubscribeOptions } from './client-options.ts';
import type { Subscription } from './subscription.ts';

/**
 * Subscribes to the channels that the server wants this user to have (`hub.user(id).subscribe(channel)`, and `channels`
 * of what the option `connect` returned), and calls the listener with each subscription when it begins. They are as any
 * other: recovered after a reconnect, until the server or the page ends them. It connects at once. A function of its own,
 * so that pages without it do not load it. Returns a function that ends all of them, and subscribes to no others.
 *
 * @example
 * follow(client, (subscription) => subscription.on('message', show), { recent: 20 });
 */
export function follow<T = unknown>(
  // biome-ignore lint/suspicious/noExplicitAny: of any contract.
  client: Client<any>,
  listener: (subscription: Subscription<T>) => void,
  options: Omit<SubscribeOptions, 'since' | 'signal'> = {},
): () => void {
  const followed = new Map<string, Subscription<T>>();
  let isOver = false;
  let isHearing = false;

  function add(channel: string): void {
    if (isOver || followed.has(channel)) return;
    const subscription = client.subscribe(channel, options) as unknown as Subscription<T>;
    followed.set(channel, subscription);
    subscription.on('state', (state) => {
      if (state === 'ended') followed.delete(channel);
    });
    listener(subscription);
  }

  const hear = (message: ServerMessage) => {
    if (message[0] === 'add') add(message[1]);
  };

  async function ask(): Promise<void> {
    const { context, listeners } = await client._load();
    if (isOver) return;
    if (!isHearing) listeners.add(hear);
    isHearing = true;
    if (client.state !== 'open') return; // the next connection begins with it
    context.session.ask('follow', '{}]', {
      ok: (answer) => {
        for (const channel of (answer as { channels: string[] }).channels) add(channel);
      },
      err: (error) => context.report(error),
      lost() {},
    });
  }

  // What could not be loaded is tried again with the next connection.
  const begin = () => void ask().catch(console.error);
  const off = client.on('state', (state) => state === 'open' && begin());
  client.open();
  if (client.state === 'open') begin();
  return () => {
    isOver = true;
    off();
    if (isHearing) client._load().then(({ listeners }) => listeners.delete(hear));
    for (const subscription of followed.values()) subscription.unsubscribe();
  };
}
