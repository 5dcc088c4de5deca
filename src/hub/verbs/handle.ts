import { type ClientMessage, type JsonText, PONG, ProtocolError } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { answered } from './answered.ts';
import { auth } from './auth.ts';
import { call } from './call.ts';
import { follow } from './follow.ts';
import { get } from './get.ts';
import { hi } from './hi.ts';
import { more } from './more.ts';
import { offer } from './offer.ts';
import { pub } from './pub.ts';
import { set } from './set.ts';
import { sub } from './sub.ts';
import { un } from './un.ts';

/**
 * Executes one line of a client. A promise delays the lines behind it. Throws, or rejects with, a ProtocolError for the
 * answer `err`.
 */
export function handle(
  context: HubContext,
  connection: Connection,
  message: ClientMessage<JsonText>,
): Promise<void> | undefined {
  if (message.length === 0) connection.tell(PONG);
  if (message.length < 2) return undefined;
  const verb = message[0];
  if (connection.isReady === (verb === 'hi'))
    throw new ProtocolError('HI_FIRST', connection.isReady ? 'hi was sent before' : 'send hi first');
  switch (verb) {
    case 'hi':
      return hi(context, connection, message[1], message[2]);
    case 'auth':
      return auth(context, connection, message[1], message[2]);
    case 'sub':
      return sub(context, connection, message[1], message[2], message[3]);
    case 'set':
      return set(context, connection, message[1], message[2], message[3]);
    case 'un':
      return un(connection, message[1], message[2]);
    case 'pub':
      return pub(context, connection, message[1], message[2], message[3], message[4]);
    case 'call':
      return call(context, connection, message[1], message[2], message[3]);
    case 'get':
      return get(context, connection, message);
    case 'more':
      return more(connection, message[1], message[2]);
    case 'follow':
      return follow(connection, message[1]);
    case 'offer':
      return offer(connection, message[1], message[2]);
    case 'ok':
    case 'err':
      return answered(connection, message);
  }
}
