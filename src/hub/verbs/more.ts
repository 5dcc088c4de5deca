import type { Connection } from '../connections/connection.ts';

export function more(connection: Connection, ch: number, count: number): undefined {
  for (const subscription of connection.subscriptions.values())
    if (subscription.channel.number === ch) subscription.more(count);
}
