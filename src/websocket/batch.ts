import { Buffer } from 'node:buffer';
import type { Payload } from './core/frame-writer.ts';
import { FIN, OPCODE, RSV1 } from './core/opcodes.ts';
import { deflateSmall, type MessageDeflate } from './deflate.ts';
import { Encoding } from './encoding.ts';
import type { CompressionOptions } from './limits.ts';

/** Bytes above which a message to many is not compressed: that would block the event loop for over 10 ms. */
const COMPRESS_UP_TO = 256 * 1024;

/** One publication: its order among all publications of this turn, in any topic, and the receiver that does not get it. */
interface Publication<Receiver> {
  readonly order: number;
  readonly opcode: number;
  readonly length: number;
  readonly except: Receiver | null;
}

/** What was published to one topic in one turn of the event loop: encoded once, and compressed once per window size. */
export class Batch<Receiver> {
  readonly publications: Publication<Receiver>[] = [];
  readonly excepted = new Set<Receiver>();
  /** Whether a queue still holds a part of its buffers. */
  kept = false;
  readonly plain: Encoding;
  readonly #compression: Required<CompressionOptions> | null;
  /** By the receiver's window size. */
  readonly #packed = new Map<number, Encoding>();

  /** `room`: the buffer for the frames. A larger one is allocated when they do not fit. */
  constructor(room: Buffer, compression: Required<CompressionOptions> | null) {
    this.plain = new Encoding(room);
    this.#compression = compression;
  }

  /** `length`: the message's size in bytes. */
  append(order: number, message: Payload, length: number, except: Receiver | null): void {
    const opcode = typeof message === 'string' ? OPCODE.TEXT : OPCODE.BINARY;
    this.plain.append(FIN | opcode, message, length);
    this.publications.push({ order, opcode, length, except });
    if (except !== null) this.excepted.add(except);
  }

  /** The frames for a receiver that negotiated `deflate`. */
  encodingFor(deflate: MessageDeflate | null): Encoding {
    const options = this.#compression;
    if (deflate === null || options === null) return this.plain;
    let packed = this.#packed.get(deflate.windowBits);
    if (!packed) {
      packed = new Encoding(Buffer.allocUnsafe(1024));
      this.#packed.set(deflate.windowBits, packed);
    }
    for (let i = packed.ends.length; i < this.publications.length; i++) {
      const { opcode, length } = this.publications[i]!;
      const payload = this.plain.payload(i, length);
      const worthwhile = length >= options.threshold && length <= COMPRESS_UP_TO;
      const small = worthwhile ? deflateSmall(payload, deflate.windowBits, options.level) : payload;
      if (small.length < length) packed.append(FIN | RSV1 | opcode, small, small.length);
      else packed.append(FIN | opcode, payload, length);
    }
    return packed;
  }
}
