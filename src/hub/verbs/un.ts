import { JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';

export function un(connection: Connection, id: number, name: string): undefined {
  const subscription = connection.subscriptions.get(name);
  const pattern = connection.patternOf(name);
  if (!subscription && !pattern) throw new ProtocolError('NOT_SUBSCRIBED', `you are not subscribed to ${name}`);
  if (pattern) connection.hearing.leave(pattern);
  if (subscription) connection.leave(subscription, true);
  connection.tell(['ok', id, JsonText.of(null)]);
}
