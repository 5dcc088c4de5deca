import { parseExtensions } from './extensions.ts';

/** What both sides agreed on for permessage-deflate (RFC 7692 §7.1). */
export interface DeflateAgreement {
  /** The server forgets its window after each message. */
  readonly serverNoContextTakeover: boolean;
  /** The client forgets its window after each message. */
  readonly clientNoContextTakeover: boolean;
  /** The server's window is at most 2 to this power of bytes: 8–15. */
  readonly serverMaxWindowBits: number;
  /** The client's window, likewise. */
  readonly clientMaxWindowBits: number;
}

/** What this side would like. */
export interface DeflateWishes {
  /** Whether messages may refer to earlier ones: smaller on the wire, but memory for each connection. */
  readonly contextTakeover: boolean;
  /** 2 to this power of bytes is the window of what this side sends: 9–15. */
  readonly windowBits: number;
}

const NAME = 'permessage-deflate';
/** zlib cannot make raw deflate with a window of 2⁸ bytes, so an offer that asks a sender here for it is passed over. */
const SMALLEST_WINDOW = 9;

interface Parameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

/**
 * The server's choice among the client's offers, in the client's order of preference: the first that is well-formed
 * and that this side can keep. Null: no compression on this connection.
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
      // An offered value says how small the client could go; this side can read any window.
      clientMaxWindowBits: typeof wanted.client_max_window_bits === 'number' ? wanted.client_max_window_bits : 15,
    };
  }
  return null;
}

/** The server's answer header for an agreement; `offered` is the header that the client sent. */
export function formatAgreement(agreement: DeflateAgreement, offered: string): string {
  let text = NAME;
  if (agreement.serverNoContextTakeover) text += '; server_no_context_takeover';
  if (agreement.clientNoContextTakeover) text += '; client_no_context_takeover';
  // An offered limit is accepted by saying it again (§7.1.2.1); unasked, it is said where it is one.
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
 * What the server's answer means for a client that sent `offerDeflate(wishes)`. Null: the server chose no
 * compression. False: the answer is not allowed, and the connection must fail (RFC 7692 §5.1, RFC 6455 §4.1).
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

/** Each parameter known, at most once, and with a value that it may have (RFC 7692 §7.1); null otherwise. */
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
