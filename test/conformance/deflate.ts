import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** The parameters of RFC 7692 that are in force on a connection. */
export interface Parameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

/** How permessage-deflate is negotiated in a case. */
export interface Negotiation {
  /** The peer's offers, when the subject is the server. */
  offer: string;
  /** The peer's answer to the subject's offers; undefined when none of them will do. */
  accept: (offers: Parameters[]) => string | undefined;
}

/** `a; b=1, c` as [[a, {b: '1'}], [c, {}]]. */
export function parseExtensions(header: string): [name: string, parameters: [string, string | true][]][] {
  if (header.trim() === '') return [];
  return header.split(',').map((extension) => {
    const [name = '', ...parameters] = extension.split(';').map((part) => part.trim());
    return [name, parameters.map((part) => pair(part))];
  });
}

function pair(part: string): [string, string | true] {
  const at = part.indexOf('=');
  if (at < 0) return [part, true];
  return [part.slice(0, at).trim(), part.slice(at + 1).replace(/^\s*"?|"?\s*$/g, '')];
}

/** Reads well-formed parameters; throws at anything that RFC 7692 §7.1 does not know. */
export function parseParameters(list: [string, string | true][], isOffer: boolean): Parameters {
  const parameters: Parameters = {};
  for (const [name, value] of list) {
    if (name in parameters) throw new Error(`the parameter ${name} twice`);
    if (name === 'server_no_context_takeover' || name === 'client_no_context_takeover') {
      if (value !== true) throw new Error(`a value for ${name}`);
      parameters[name] = true;
    } else if (name === 'server_max_window_bits' || name === 'client_max_window_bits') {
      if (value === true && isOffer && name === 'client_max_window_bits') parameters[name] = true;
      else if (value !== true && /^([89]|1[0-5])$/.test(value)) parameters[name] = Number(value);
      else throw new Error(`the value ${value} for ${name}`);
    } else throw new Error(`the unknown parameter ${name}`);
  }
  return parameters;
}

/** Throws where a server's answer does not fit any of the offers (RFC 7692 §7.1). */
export function checkAnswer(offers: Parameters[], answer: Parameters): void {
  const fits = offers.some((offer) => {
    if (offer.server_no_context_takeover && !answer.server_no_context_takeover) return false;
    if (offer.server_max_window_bits && !((answer.server_max_window_bits ?? 16) <= offer.server_max_window_bits))
      return false;
    if (answer.client_max_window_bits === undefined) return true;
    if (offer.client_max_window_bits === undefined) return false;
    return (
      offer.client_max_window_bits === true || Number(answer.client_max_window_bits) <= offer.client_max_window_bits
    );
  });
  if (!fits) throw new Error('an answer that fits no offer');
}

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** One direction of a connection. What a sliding window holds is handed over as zlib's preset dictionary. */
class Window {
  #size: number;
  #keep: boolean;
  #history = Buffer.alloc(0);

  constructor(bits: number, keep: boolean) {
    this.#size = 2 ** bits;
    this.#keep = keep;
  }

  get dictionary(): { dictionary?: Buffer } {
    return this.#history.length > 0 ? { dictionary: this.#history } : {};
  }

  add(message: Buffer): void {
    if (this.#keep) this.#history = Buffer.concat([this.#history, message]).subarray(-this.#size);
  }
}

/** The peer's own permessage-deflate. Inflates with just the window that was agreed, so that going beyond it fails. */
export class Deflate {
  #sendBits: number;
  #receiveBits: number;
  #sent: Window;
  #received: Window;

  constructor(parameters: Parameters, peerIs: 'server' | 'client') {
    const server = { bits: parameters.server_max_window_bits ?? 15, keep: !parameters.server_no_context_takeover };
    const limit = parameters.client_max_window_bits ?? 15;
    const client = { bits: limit === true ? 15 : limit, keep: !parameters.client_no_context_takeover };
    const [mine, theirs] = peerIs === 'server' ? [server, client] : [client, server];
    this.#sendBits = mine.bits;
    this.#receiveBits = theirs.bits;
    this.#sent = new Window(mine.bits, mine.keep);
    this.#received = new Window(theirs.bits, theirs.keep);
  }

  compress(message: Buffer): Buffer {
    const windowBits = Math.max(9, this.#sendBits); // zlib has no raw deflate with 8; it would send 9
    const whole = deflateRawSync(message, { ...FLUSH, ...this.#sent.dictionary, windowBits });
    this.#sent.add(message);
    return whole.subarray(-4).equals(TAIL) ? whole.subarray(0, -4) : whole;
  }

  decompress(payload: Buffer): Buffer {
    const windowBits = this.#receiveBits;
    // zlib looks up distances in its output buffer too, whatever the window; a small buffer makes it strict.
    const chunkSize = windowBits < 15 ? 64 : 65536;
    const options = { ...FLUSH, ...this.#received.dictionary, windowBits, chunkSize };
    const message = inflateRawSync(Buffer.concat([payload, TAIL]), options);
    this.#received.add(message);
    return message;
  }
}
