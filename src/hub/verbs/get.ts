import { type ClientMessage, type JsonText, ProtocolError } from '../../protocol/index.ts';
import { history } from '../channels/history.ts';
import { permit } from '../channels/permit.ts';
import { presenceOf } from '../channels/presence-of.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

export async function get(
  context: HubContext,
  connection: Connection,
  [, id, what, name, options]: Extract<ClientMessage<JsonText>, readonly ['get', ...unknown[]]>,
): Promise<void> {
  const rules = context.rules.forClients(name);
  if (what === 'presence' && rules.presence === false)
    throw new ProtocolError('NOT_OFFERED', `${name} has no presence`);
  if (what === 'history' && rules.keep.size === 0) throw new ProtocolError('NOT_OFFERED', `${name} keeps no history`);
  await permit(rules, connection, name, { purpose: what });
  if (what === 'presence') {
    await answer(connection, id, await presenceOf(context, name));
  } else await answer(connection, id, await history(context.broker, name, options));
}

/** A client that requests more than it reads waits for the next answer until it has read. */
async function answer(connection: Connection, id: number, result: JsonText): Promise<void> {
  if (!connection.tell(['ok', id, result])) await connection.wire.drained();
}
