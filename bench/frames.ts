/** The part of RFC 6455 §5.2 that a load needs: frames to send, and frames to count. */

/** Any key except zero, which would make unmasking cheaper for a server. */
const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** A whole masked message in one frame; `compressed` sets RSV1 (RFC 7692 §6). */
export function clientFrame(payload: Uint8Array, options: { text: boolean; compressed?: boolean }): Buffer {
  const { length } = payload;
  const header = headerBytes(length);
  const frame = Buffer.alloc(header + 4 + length);
  frame[0] = 0x80 | (options.compressed ? 0x40 : 0) | (options.text ? 1 : 2);
  frame[1] = 0x80 | (header === 2 ? length : header === 4 ? 126 : 127);
  if (header === 4) frame.writeUInt16BE(length, 2);
  if (header === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(MASK, header);
  for (let at = 0; at < length; at++) frame[header + 4 + at] = payload[at]! ^ MASK[at & 3]!;
  return frame;
}

/** Bytes of the header of an unmasked frame, whose payload has `length` bytes. */
export function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65536 ? 4 : 10;
}

export interface ServerFrame {
  final: boolean;
  compressed: boolean;
  text: boolean;
  payload: Buffer;
  /** Bytes of the whole frame. */
  length: number;
}

/** The frame at the start of `bytes`, if it is complete. */
export function parseFrame(bytes: Buffer): ServerFrame | undefined {
  if (bytes.length < 2) return;
  const short = bytes[1]! & 127;
  const header = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < header) return;
  const length = header === 2 ? short : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < header + length) return;
  return {
    final: (bytes[0]! & 0x80) !== 0,
    compressed: (bytes[0]! & 0x40) !== 0,
    text: (bytes[0]! & 0x0f) === 1,
    payload: bytes.subarray(header, header + length),
    length: header + length,
  };
}

/** Counts messages by going from header to header, for frames of unknown length. */
export class MessageCounter {
  #header = Buffer.alloc(10);
  #have = 0;
  #left = 0;
  #ends = false;

  /** How many messages end within the first `length` bytes of `chunk`, which follow those of the last call. */
  count(chunk: Uint8Array, length: number): number {
    let messages = 0;
    for (let at = 0; at < length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0 && this.#ends) messages++;
        continue;
      }
      this.#header[this.#have++] = chunk[at++]!;
      const short = this.#header[1]! & 127;
      if (this.#have < 2 || this.#have < (short < 126 ? 2 : short === 126 ? 4 : 10)) continue;
      this.#left =
        short < 126 ? short : short === 126 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2));
      this.#have = 0;
      // A message ends with a final frame that is not a control frame.
      this.#ends = this.#header[0]! >= 0x80 && (this.#header[0]! & 0x08) === 0;
      if (this.#left === 0 && this.#ends) messages++;
    }
    return messages;
  }
}
