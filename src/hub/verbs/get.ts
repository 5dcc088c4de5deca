import { type ClientMessage, encodeAnswer, type JsonText, ProtocolError } from '../../protocol/index.ts';
import { history } from '../channels/history.ts';
import { permit } from '../channels/permit.ts';
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
  await permit(what === 'presence' ? what : 'subscribe', rules, connection, name);
  if (what === 'presence') {
    const empty = rules.presence === 'count' ? '{"count":0}' : '{"count":0,"members":[]}';
    await answer(connection, id, context.channels.get(name)?.presence?.snapshot ?? empty);
  } else await answer(connection, id, (await history(context.broker, name, options)).text);
}

/** A client that requests more than it reads waits for the next answer until it has read. */
async function answer(connection: Connection, id: number, result: string): Promise<void> {
  if (!connection.tellLine(encodeAnswer(id, result))) await connection.wire.drained();
}
