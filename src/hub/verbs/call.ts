import { type JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

export function call(
  context: HubContext,
  connection: Connection,
  id: number,
  method: string,
  data: JsonText,
): undefined {
  if (connection.calls >= context.limits.calls)
    throw new ProtocolError('RATE_LIMITED', 'too many of your calls are running');
  connection.calls++;
  context.methods
    .call(method, data, connection)
    .then((result) => connection.tell(['ok', id, result]))
    .catch((error) => connection.refuse(id, error))
    .finally(() => {
      connection.calls--;
    });
  return undefined;
}
