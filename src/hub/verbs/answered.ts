import { type ClientMessage, type JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';

type Answer = Extract<ClientMessage<JsonText>, readonly ['ok' | 'err', ...unknown[]]>;

/** The client has answered what the server asked it. */
export function answered(connection: Connection, message: Answer): undefined {
  if (message[0] === 'ok') connection.asked?.take(message[1], { result: message[2] });
  else {
    const [, number, code, text, retryAfter, reason, details] = message;
    connection.asked?.take(number, { refusal: new ProtocolError(code, text, retryAfter, reason, details) });
  }
}
