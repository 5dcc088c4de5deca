import { JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { expiryOf } from './hi.ts';
import { identify } from './identify.ts';

export async function auth(context: HubContext, connection: Connection, id: number, token: string): Promise<void> {
  const identity = await identify(context, connection, { token });
  if (connection.isOver) return;
  if (identity.user !== connection.user)
    throw new ProtocolError('UNAUTHORIZED', 'the token belongs to another user', undefined, 'TOKEN_INVALID');
  connection.renew(identity);
  connection.tell(['ok', id, JsonText.of(expiryOf(identity))]);
}
