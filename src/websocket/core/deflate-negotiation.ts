import { parseExtensions } from './extensions.ts';

/** The result of negotiating permessage-deflate (RFC 7692 §7.1). */
export interface DeflateAgreement {
  /** The server discards its window after each message. */
  readonly serverNoContextTakeover: boolean;
  /** The client discards its window after each message. */
  readonly clientNoContextTakeover: boolean;
  /** log2 of the server's largest window in bytes: 8–15. */
  readonly serverMaxWindowBits: number;
  /** The same for the client's window. */
  readonly clientMaxWindowBits: number;
}

/** What this side prefers. */
export interface DeflateWishes {
  /** Whether messages may refer to earlier ones: smaller on the wire, but memory for each connection. */
  readonly contextTakeover: boolean;
  /** log2 of the window in bytes for what this side sends: 9–15. */
  readonly windowBits: number;
}

const NAME = 'permessage-deflate';
/** zlib cannot produce raw deflate with a window of 2⁸ bytes, so an offer that requires it of this side is skipped. */
const SMALLEST_WINDOW = 9;

interface Parameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

/**
 * The server's choice among the client's offers, in the client's order of preference: the first that is well-formed and
 * that this side can fulfil. Null: no compression on this connection.
 */
export function acceptDeflate(header: string, wishes: DeflateWishes): DeflateAgreement | null {
  for (const offer of parseExtensions(header) ?? []) {
    if (offer.name !== NAME) continue;
    const wanted = readParameters(offer.parameters, true);
    if (!wanted) continue;
    const serverBits = wanted.server_max_window_bits ?? 15;
    if (serverBits < SMALLEST_WINDOW) continue;
    return {
      serverNoContextTakeover: !wishes.contextTakeover || wanted.server_no_context_takeover === true,
      clientNoContextTakeover: !wishes.contextTakeover || wanted.client_no_context_takeover === true,
      serverMaxWindowBits: Math.min(serverBits, wishes.windowBits),
      // A value says how small the client's window could be; this side can read any window.
      clientMaxWindowBits: typeof wanted.client_max_window_bits === 'number' ? wanted.client_max_window_bits : 15,
    };
  }
  return null;
}

/** The server's response header for an agreement; `offered` is the header that the client sent. */
export function formatAgreement(agreement: DeflateAgreement, offered: string): string {
  let text = NAME;
  if (agreement.serverNoContextTakeover) text += '; server_no_context_takeover';
  if (agreement.clientNoContextTakeover) text += '; client_no_context_takeover';
  // An offered limit is accepted by repeating it (§7.1.2.1). If not offered, it is only sent when there is a limit.
  if (agreement.serverMaxWindowBits < 15 || offered.includes('server_max_window_bits'))
    text += `; server_max_window_bits=${agreement.serverMaxWindowBits}`;
  if (agreement.clientMaxWindowBits < 15 && offered.includes('client_max_window_bits'))
    text += `; client_max_window_bits=${agreement.clientMaxWindowBits}`;
  return text;
}

/** The client's offer header. */
export function offerDeflate(wishes: DeflateWishes): string {
  const takeover = wishes.contextTakeover ? '' : '; server_no_context_takeover; client_no_context_takeover';
  return `${NAME}${takeover}; client_max_window_bits`;
}

/**
 * What the server's response means for a client that sent `offerDeflate(wishes)`. Null: the server chose no
 * compression. False: the response is invalid, and the connection must fail (RFC 7692 §5.1, RFC 6455 §4.1).
 */
export function readAnswer(header: string, wishes: DeflateWishes): DeflateAgreement | null | false {
  const extensions = parseExtensions(header);
  if (!extensions || extensions.length > 1) return false;
  const answer = extensions[0];
  if (!answer) return null;
  if (answer.name !== NAME) return false;
  const chosen = readParameters(answer.parameters, false);
  if (!chosen) return false;
  const clientBits = typeof chosen.client_max_window_bits === 'number' ? chosen.client_max_window_bits : 15;
  if (clientBits < SMALLEST_WINDOW) return false;
  return {
    serverNoContextTakeover: chosen.server_no_context_takeover === true,
    clientNoContextTakeover: !wishes.contextTakeover || chosen.client_no_context_takeover === true,
    serverMaxWindowBits: chosen.server_max_window_bits ?? 15,
    clientMaxWindowBits: Math.min(clientBits, wishes.windowBits),
  };
}

/** Each parameter must be known, appear at most once, and have a valid value (RFC 7692 §7.1); null otherwise. */
function readParameters(
  parameters: readonly (readonly [string, string | true])[],
  isOffer: boolean,
): Parameters | null {
  const read: Parameters = {};
  for (const [name, value] of parameters) {
    if (Object.hasOwn(read, name)) return null;
    if (name === 'server_no_context_takeover' || name === 'client_no_context_takeover') {
      if (value !== true) return null;
      read[name] = true;
    } else if (name === 'client_max_window_bits' && value === true && isOffer) read[name] = true;
    else if (name === 'server_max_window_bits' || name === 'client_max_window_bits') {
      if (value === true || !/^([89]|1[0-5])$/.test(value)) return null;
      read[name] = Number(value);
    } else return null;
  }
  return read;
}
