import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, deflateRaw, deflateRawSync } from 'node:zlib';
import { Semaphore } from '../semaphore.ts';
import type { DeflateAgreement } from './core/deflate-negotiation.ts';
import { WireError } from './core/wire-error.ts';
import { inflate, inflateOnThread, isTooLarge } from './inflate.ts';
import type { CompressionOptions } from './limits.ts';

/** Bytes up to which zlib runs synchronously, about a millisecond; larger messages go to a thread of Node's pool. */
const AT_ONCE = 64 * 1024;
/** Of the pool's four threads, how many may compress at a time, so that file access and DNS do not wait. */
const THREADS = 2;

const deflateOnThread = promisify(deflateRaw);
const pool = new Semaphore(THREADS);

/**
 * permessage-deflate for one connection (RFC 7692), with zlib's one-shot calls and no zlib state between messages:
 * where context takeover was negotiated, the context is the last 32 KiB of text, all that deflate can refer back to,
 * and is passed to zlib as its dictionary.
 */
export class MessageDeflate {
  readonly windowBits: number;
  readonly #options: Required<CompressionOptions>;
  readonly #sendTakeover: boolean;
  readonly #receiveTakeover: boolean;
  #sent: Buffer | undefined;
  #received: Buffer | undefined;
  #forgotten = 0;

  constructor(agreement: DeflateAgreement, role: 'client' | 'server', options: Required<CompressionOptions>) {
    const isServer = role === 'server';
    this.#options = options;
    this.windowBits = isServer ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits;
    this.#sendTakeover = !(isServer ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover);
    this.#receiveTakeover = !(isServer ? agreement.clientNoContextTakeover : agreement.serverNoContextTakeover);
  }

  /** Whether a message may refer to earlier ones, so that they must be encoded in order. */
  get dependent(): boolean {
    return this.#sendTakeover;
  }

  get threshold(): number {
    return this.#options.threshold;
  }

  /** The compressed message, or null when it would not be smaller; a promise for a large one. */
  compress(bytes: Buffer): Buffer | null | Promise<Buffer | null> {
    const dictionary = this.#sent;
    if (bytes.length > AT_ONCE) {
      const forgotten = this.#forgotten;
      return deflateBig(bytes, this.windowBits, this.#options.level, dictionary).then((packed) => {
        const small = this.#smaller(packed, bytes);
        // A message for many has replaced the peer's window meanwhile.
        if (forgotten !== this.#forgotten) this.#sent = undefined;
        return small;
      });
    }
    return this.#smaller(deflateSmall(bytes, this.windowBits, this.#options.level, dictionary), bytes);
  }

  /** Nothing sent from here on refers to earlier messages: the peer's window now holds messages compressed for many. */
  forgetSent(): void {
    this.#sent = undefined;
    this.#forgotten++;
  }

  #smaller(packed: Buffer, bytes: Buffer): Buffer | null {
    if (packed.length >= bytes.length) return null;
    if (this.#sendTakeover) this.#sent = slide(this.#sent, bytes, 1 << this.windowBits);
    return packed;
  }

  /**
   * Inflates a message; a promise when it turns out to be large. Stops at `limit` bytes.
   * @throws WireError 1009 over the limit, 1007 for invalid deflate data.
   */
  inflate(bytes: Buffer, limit: number): Buffer | Promise<Buffer> {
    const dictionary = this.#received;
    try {
      return this.#note(inflate(bytes, Math.min(limit, AT_ONCE), dictionary));
    } catch (error) {
      if (!isTooLarge(error)) throw notDeflate(error);
      if (limit <= AT_ONCE) throw tooBig(limit);
    }
    return pool
      .run(() => inflateOnThread(bytes, limit, dictionary))
      .then(
        (whole) => this.#note(whole),
        (error) => {
          throw isTooLarge(error) ? tooBig(limit) : notDeflate(error);
        },
      );
  }

  #note(whole: Buffer): Buffer {
    if (this.#receiveTakeover) this.#received = slide(this.#received, whole, 32 * 1024);
    return whole;
  }
}

/** Compresses a message without context, as a broadcast is, for every receiver with this window size. */
export function deflateSmall(bytes: Buffer, windowBits: number, level: number, dictionary?: Buffer): Buffer {
  return withoutTail(deflateRawSync(bytes, deflateOptions(windowBits, level, dictionary)));
}

async function deflateBig(bytes: Buffer, windowBits: number, level: number, dictionary?: Buffer): Promise<Buffer> {
  return withoutTail(await pool.run(() => deflateOnThread(bytes, deflateOptions(windowBits, level, dictionary))));
}

function deflateOptions(windowBits: number, level: number, dictionary: Buffer | undefined) {
  return { windowBits, level, finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary?.length ? { dictionary } : {}) };
}

/** A flush ends with 00 00 FF FF, which is not sent (RFC 7692 §7.2.1). */
function withoutTail(packed: Buffer): Buffer {
  return packed.subarray(0, packed.length - 4);
}

/** The last `size` bytes of `window` followed by `bytes`, as a copy. */
function slide(window: Buffer | undefined, bytes: Buffer, size: number): Buffer {
  if (!window || bytes.length >= size) return Buffer.from(bytes.subarray(-size));
  return Buffer.concat([window.subarray(-(size - bytes.length)), bytes]);
}

function tooBig(limit: number): WireError {
  return new WireError('MESSAGE_TOO_BIG', `a message inflated to over ${limit} bytes`);
}

function notDeflate(cause: unknown): WireError {
  return new WireError('COMPRESSION_FAILED', `a message is not valid deflate data: ${(cause as Error).message}`);
}
