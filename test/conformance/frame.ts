/** A deliberately naive encoder and decoder of RFC 6455 frames: the oracle, which shares no line with the engine. */

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface Frame {
  opcode: number;
  payload: Buffer;
  /** Default true. */
  fin?: boolean;
  /** The three reserved bits as one number; RSV1 is 4. Default 0. */
  rsv?: number;
  /** Overrides what the role demands. */
  masked?: boolean;
  /** Forces the 16-bit or 64-bit form of the length, also where a shorter one would do. */
  form?: 16 | 64;
  /** A length that lies about the payload. */
  announced?: bigint;
}

type Shape = Omit<Frame, 'opcode' | 'payload'>;

const bytes = (payload: string | Buffer) => (typeof payload === 'string' ? Buffer.from(payload) : payload);

export const frame = (opcode: number, payload: string | Buffer = '', shape: Shape = {}): Frame => ({
  opcode,
  payload: bytes(payload),
  ...shape,
});
export const text = (payload: string | Buffer, shape?: Shape) => frame(TEXT, payload, shape);
export const binary = (payload: string | Buffer, shape?: Shape) => frame(BINARY, payload, shape);
export const more = (payload: string | Buffer, shape?: Shape) => frame(CONTINUATION, payload, shape);
export const ping = (payload?: string | Buffer, shape?: Shape) => frame(PING, payload, shape);
export const pong = (payload?: string | Buffer, shape?: Shape) => frame(PONG, payload, shape);

export function close(code?: number, reason: string | Buffer = '', shape?: Shape): Frame {
  if (code === undefined) return frame(CLOSE, '', shape);
  return frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), bytes(reason)]), shape);
}

/** One message as frames of at most `size` octets. */
export function fragments(message: Frame, size: number): Frame[] {
  const { opcode, payload, rsv = 0 } = message;
  const frames: Frame[] = [];
  for (let at = 0; at < payload.length || at === 0; at += size) {
    const part = payload.subarray(at, at + size);
    const fin = at + size >= payload.length;
    frames.push(frame(at === 0 ? opcode : CONTINUATION, part, { fin, rsv: at === 0 ? rsv : 0 }));
  }
  return frames;
}

const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]); // the key of the examples in RFC 6455 §5.7

/** The octets before the payload. */
export function encodeHeader(
  { opcode, payload, fin = true, rsv = 0, form, announced }: Frame,
  masked: boolean,
): Buffer {
  const length = announced ?? BigInt(payload.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const key = masked ? KEY : Buffer.alloc(0);
  if (length > 65535n || form === 64) {
    const extended = Buffer.alloc(8);
    extended.writeBigUInt64BE(length);
    return Buffer.concat([Buffer.from([first, mask | 127]), extended, key]);
  }
  const small = Number(length);
  if (small > 125 || form === 16)
    return Buffer.concat([Buffer.from([first, mask | 126, small >> 8, small & 255]), key]);
  return Buffer.concat([Buffer.from([first, mask | small]), key]);
}

export function encodePayload({ payload }: Frame, masked: boolean): Buffer {
  return masked ? unmask(Buffer.from(payload), KEY) : payload;
}

function unmask(payload: Buffer, key: Buffer): Buffer {
  for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i & 3]!;
  return payload;
}

export interface ReceivedFrame {
  opcode: number;
  payload: Buffer;
  fin: boolean;
  rsv: number;
  key: Buffer;
}

/** Cuts a stream of octets into frames. Throws at what no endpoint may send. */
export class FrameReader {
  #masked: boolean;
  #chunks: Buffer[] = [];
  #size = 0;
  #header: { first: number; masked: boolean; length: number; extended: number } | undefined;

  constructor(masked: boolean) {
    this.#masked = masked;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  next(): ReceivedFrame | undefined {
    if (!this.#header) {
      if (this.#size < 2) return undefined;
      const [first, second] = this.#take(2) as unknown as [number, number];
      const length = second & 127;
      const extended = length === 127 ? 8 : length === 126 ? 2 : 0;
      this.#header = { first, masked: second > 127, length, extended };
      if (this.#header.masked !== this.#masked) throw new Error(this.#masked ? 'an unmasked frame' : 'a masked frame');
    }
    const header = this.#header;
    if (header.extended > 0) {
      if (this.#size < header.extended) return undefined;
      const octets = this.#take(header.extended);
      header.length = header.extended === 8 ? Number(octets.readBigUInt64BE()) : octets.readUInt16BE();
      if (header.length < (header.extended === 8 ? 65536 : 126))
        throw new Error('a length in a form longer than needed');
      header.extended = 0;
    }
    if (this.#size < header.length + (header.masked ? 4 : 0)) return undefined;
    this.#header = undefined;
    const key = this.#take(header.masked ? 4 : 0);
    const payload = this.#take(header.length);
    if (header.masked) unmask(payload, key);
    const opcode = header.first & 15;
    const fin = header.first > 127;
    if (![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].includes(opcode)) throw new Error(`the opcode ${opcode}`);
    if (opcode >= CLOSE && (!fin || payload.length > 125)) throw new Error('a control frame in parts or too long');
    return { opcode, payload, fin, rsv: (header.first >> 4) & 7, key };
  }

  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = all.subarray(count);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size -= count;
    return all.subarray(0, count);
  }
}
