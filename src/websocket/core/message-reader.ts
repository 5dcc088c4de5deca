import { Buffer } from 'node:buffer';
import { CLOSE, mayBeSent } from './close-codes.ts';
import { applyMask } from './mask.ts';
import { CONTROL_PAYLOAD, FIN, MASKED, OPCODE, RSV1, RSV2_AND_3 } from './opcodes.ts';
import { decodeText, notUtf8 } from './text.ts';
import { Utf8Checker } from './utf8.ts';
import { WireError } from './wire-error.ts';

/** Receives each message. The receiver owns the bytes that it is given. */
export interface MessageSink {
  onText(text: string): void;
  onBinary(bytes: Buffer): void;
  /** A whole message, still compressed (RFC 7692): the payloads of its frames, concatenated. */
  onCompressed(bytes: Buffer, isText: boolean): void;
  onPing(bytes: Buffer): void;
  onPong(bytes: Buffer): void;
  /** `code` is 1005 when the frame carried none. */
  onCloseFrame(code: number, reason: string): void;
}

export interface ReaderLimits {
  /** Bytes of one message, as received (before inflating). */
  readonly maxMessage: number;
  /** Bytes of one frame. */
  readonly maxFrame: number;
  /** Frames of one message. */
  readonly maxFragments: number;
}

/** A frame up to this size gets its whole buffer at once; a larger one only as its bytes arrive. */
const TRUSTED_LENGTH = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * The receiving half of RFC 6455: bytes in, messages out. It owns no socket and no timer.
 *
 * The pieces may be cut anywhere. A frame that is complete in one piece, the usual case, is unmasked and decoded in
 * place; incomplete data is gathered in one growing buffer for the message, so that a million fragments need no more
 * memory than their payload. Text is checked as it arrives, and rejected at its first invalid byte.
 */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #limits: ReaderLimits;
  /** Whether the peer's frames must be masked: they must be for a server, and must not be for a client. */
  readonly #masked: boolean;
  readonly #compression: boolean;

  // The header of a frame that arrived in pieces.
  #header = NOTHING;
  #headerLength = 0;
  // The frame whose payload is still arriving; `#missing` is 0 between frames.
  #first = 0;
  #key = 0;
  #frameLength = 0;
  #missing = 0;
  #control = NOTHING;
  // The message whose frames are still arriving; its opcode is 0 between messages.
  #opcode: number = OPCODE.CONTINUATION;
  #compressed = false;
  #payload = NOTHING;
  #payloadLength = 0;
  #fragments = 0;
  #utf8: Utf8Checker | null = null;

  #paused = false;
  #stopped = false;
  #held: Buffer[] | null = null;

  constructor(sink: MessageSink, limits: ReaderLimits, options: { masked: boolean; compression: boolean }) {
    this.#sink = sink;
    this.#limits = limits;
    this.#masked = options.masked;
    this.#compression = options.compression;
  }

  /** Bytes that wait for the rest of their message, or for `resume`. */
  get held(): number {
    const pieces = this.#held?.reduce((sum, piece) => sum + piece.length, 0) ?? 0;
    return pieces + this.#payload.length + this.#headerLength;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** No message is delivered after this until `resume`; bytes pushed meanwhile are kept. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && this.#held !== null) {
      const piece = this.#held.shift();
      if (piece) this.push(piece);
      else this.#held = null;
    }
  }

  /** Delivers nothing more; drops what it holds, and ignores what is pushed. */
  stop(): void {
    this.#stopped = true;
    this.#held = null;
    this.#payload = NOTHING;
    this.#payloadLength = 0;
    this.#missing = 0;
  }

  /**
   * Takes `chunk[0, end)`. It changes those bytes (unmasking in place), but does not keep them.
   * @throws WireError with the close code, when the peer broke the protocol or a limit; the reader is then stopped.
   */
  push(chunk: Buffer, end = chunk.length): void {
    if (this.#paused) {
      if (!this.#stopped) this.#hold(chunk.subarray(0, end), false);
      return;
    }
    try {
      let at = 0;
      while (at < end && !this.#stopped) {
        if (this.#paused) {
          // Only `resume` comes here while pieces are still held, and those are later than this one.
          this.#hold(chunk.subarray(at, end), true);
          return;
        }
        at =
          this.#missing === 0 && this.#headerLength === 0 ? this.#frame(chunk, at, end) : this.#piece(chunk, at, end);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #hold(piece: Buffer, first: boolean): void {
    this.#held ??= [];
    if (first) this.#held.unshift(Buffer.from(piece));
    else this.#held.push(Buffer.from(piece));
  }

  /** Takes one frame that is complete in the chunk; otherwise starts to gather it. Returns where to continue. */
  #frame(chunk: Buffer, at: number, end: number): number {
    if (end - at < 2) return this.#gather(chunk, at, end);
    const first = chunk[at]!;
    const second = chunk[at + 1]!;
    this.#checkStart(first, second);
    const short = second & 0x7f;
    const size = (short < 126 ? 2 : short === 126 ? 4 : 10) + (this.#masked ? 4 : 0);
    if (end - at < size) return this.#gather(chunk, at, end);
    const length = short < 126 ? short : payloadLength(chunk, at, short);
    const opcode = first & 0x0f;
    this.#checkLength(opcode, length);
    const start = at + size;
    const stop = start + length;
    const key = this.#masked ? chunk.readInt32BE(start - 4) : 0;
    if (stop > end) {
      this.#begin(first, length, key);
      return start;
    }
    if (opcode >= OPCODE.CLOSE) {
      if (this.#masked) applyMask(chunk, start, stop, key);
      this.#controlFrame(opcode, chunk, start, stop);
    } else if (opcode !== OPCODE.CONTINUATION && (first & (FIN | RSV1)) === FIN) {
      if (opcode === OPCODE.TEXT) {
        if (this.#masked) applyMask(chunk, start, stop, key);
        this.#sink.onText(decodeText(chunk, start, stop));
      } else this.#sink.onBinary(this.#copy(chunk, start, stop, key));
    } else {
      this.#begin(first, length, key);
      this.#append(chunk, start, stop);
      this.#endOfFrame();
    }
    return stop;
  }

  /** A copy of the payload, unmasked while copying: the next read will overwrite the chunk. */
  #copy(chunk: Buffer, start: number, stop: number, key: number): Buffer {
    const length = stop - start;
    const bytes = Buffer.allocUnsafe(length);
    if (length < 64) {
      for (let i = 0; i < length; i++) bytes[i] = chunk[start + i]! ^ (key >>> (24 - 8 * (i & 3)));
    } else {
      chunk.copy(bytes, 0, start, stop);
      if (key !== 0) applyMask(bytes, 0, length, key);
    }
    return bytes;
  }

  /** Keeps the bytes of a header that is cut off, until it is complete. */
  #gather(chunk: Buffer, at: number, end: number): number {
    if (this.#header.length === 0) this.#header = Buffer.allocUnsafeSlow(14);
    const header = this.#header;
    let next = at;
    for (;;) {
      if (this.#headerLength === 2) this.#checkStart(header[0]!, header[1]!);
      const size = this.#headerLength < 2 ? 2 : this.#sizeOfHeader(header[1]!);
      if (this.#headerLength === size) break;
      if (next === end) return end;
      header[this.#headerLength++] = chunk[next++]!;
    }
    const short = header[1]! & 0x7f;
    const length = short < 126 ? short : payloadLength(header, 0, short);
    this.#checkLength(header[0]! & 0x0f, length);
    const key = this.#masked ? header.readInt32BE(this.#headerLength - 4) : 0;
    this.#headerLength = 0;
    this.#begin(header[0]!, length, key);
    if (length === 0) this.#endOfFrame();
    return next;
  }

  #sizeOfHeader(second: number): number {
    const short = second & 0x7f;
    return (short < 126 ? 2 : short === 126 ? 4 : 10) + (this.#masked ? 4 : 0);
  }

  /** Continues a frame that was cut off, in its header or in its payload. */
  #piece(chunk: Buffer, at: number, end: number): number {
    if (this.#missing === 0) return this.#gather(chunk, at, end);
    const stop = Math.min(end, at + this.#missing);
    this.#append(chunk, at, stop);
    if (this.#missing === 0) this.#endOfFrame();
    return stop;
  }

  /** Checks what the first two bytes alone can violate (RFC 6455 §5.1, §5.2, §5.4, §5.5). */
  #checkStart(first: number, second: number): void {
    const opcode = first & 0x0f;
    if ((first & RSV2_AND_3) !== 0) throw broken('a frame had a reserved bit set');
    if ((first & RSV1) !== 0 && (!this.#compression || opcode === OPCODE.CONTINUATION || opcode >= OPCODE.CLOSE))
      throw broken('a frame had the compression bit set where it is not allowed');
    if (((second & MASKED) !== 0) !== this.#masked)
      throw broken(this.#masked ? "a client's frame was not masked" : "a server's frame was masked");
    if (opcode >= OPCODE.CLOSE) {
      if (opcode > OPCODE.PONG) throw broken(`a frame had the reserved opcode ${opcode}`);
      if ((first & FIN) === 0) throw broken('a control frame was fragmented');
      if ((second & 0x7f) > CONTROL_PAYLOAD) throw broken(`a control frame was over ${CONTROL_PAYLOAD} bytes`);
    } else if (opcode > OPCODE.BINARY) throw broken(`a frame had the reserved opcode ${opcode}`);
    else if ((opcode === OPCODE.CONTINUATION) !== (this.#opcode !== OPCODE.CONTINUATION))
      throw broken(
        opcode === OPCODE.CONTINUATION
          ? 'a continuation came without a message to continue'
          : 'a new message began before the last one ended',
      );
  }

  #checkLength(opcode: number, length: number): void {
    if (opcode >= OPCODE.CLOSE) return;
    const { maxFrame, maxMessage, maxFragments } = this.#limits;
    if (length > maxFrame) throw new WireError('MESSAGE_TOO_BIG', `a frame was over ${maxFrame} bytes`);
    if (this.#payloadLength + length > maxMessage)
      throw new WireError('MESSAGE_TOO_BIG', `a message was over ${maxMessage} bytes`);
    if (this.#fragments >= maxFragments)
      throw new WireError('TOO_MANY_FRAGMENTS', `a message came in over ${maxFragments} frames`);
  }

  /** Starts a frame whose payload is gathered. */
  #begin(first: number, length: number, key: number): void {
    const opcode = first & 0x0f;
    this.#first = first;
    this.#key = key;
    this.#frameLength = length;
    this.#missing = length;
    if (opcode >= OPCODE.CLOSE) {
      if (length > 0) this.#control = Buffer.allocUnsafe(length);
      return;
    }
    if (opcode !== OPCODE.CONTINUATION) {
      this.#opcode = opcode;
      this.#compressed = (first & RSV1) !== 0;
    }
    this.#fragments++;
  }

  #append(chunk: Buffer, start: number, stop: number): void {
    const done = this.#frameLength - this.#missing;
    if (this.#masked) applyMask(chunk, start, stop, this.#key, done);
    this.#missing -= stop - start;
    if ((this.#first & 0x0f) >= OPCODE.CLOSE) {
      chunk.copy(this.#control, done, start, stop);
      return;
    }
    const length = this.#payloadLength + (stop - start);
    if (length > this.#payload.length) this.#grow(length, length + this.#missing);
    chunk.copy(this.#payload, this.#payloadLength, start, stop);
    this.#payloadLength = length;
    if (this.#opcode === OPCODE.TEXT && !this.#compressed) {
      this.#utf8 ??= new Utf8Checker();
      if (!this.#utf8.push(chunk, start, stop)) throw notUtf8();
    }
  }

  /**
   * Grows the buffer: to the whole frame when it is small or has mostly arrived, otherwise to twice what has arrived.
   */
  #grow(needed: number, announced: number): void {
    const room = Math.min(
      Math.max(announced, this.#fragments > 1 ? needed * 2 : 0),
      Math.max(TRUSTED_LENGTH, needed * 2),
    );
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(room, this.#limits.maxMessage)));
    this.#payload.copy(larger, 0, 0, this.#payloadLength);
    this.#payload = larger;
  }

  #endOfFrame(): void {
    const opcode = this.#first & 0x0f;
    if (opcode >= OPCODE.CLOSE) {
      const bytes = this.#frameLength === 0 ? NOTHING : this.#control;
      this.#control = NOTHING;
      this.#controlFrame(opcode, bytes, 0, this.#frameLength);
      return;
    }
    if ((this.#first & FIN) === 0) return;
    const bytes = this.#payload.subarray(0, this.#payloadLength);
    const isText = this.#opcode === OPCODE.TEXT;
    const compressed = this.#compressed;
    this.#opcode = OPCODE.CONTINUATION;
    this.#payload = NOTHING;
    this.#payloadLength = 0;
    this.#fragments = 0;
    if (compressed) this.#sink.onCompressed(bytes, isText);
    else if (!isText) this.#sink.onBinary(bytes);
    else {
      if (this.#utf8 && !this.#utf8.complete) throw notUtf8();
      this.#sink.onText(bytes.toString('utf8'));
    }
  }

  #controlFrame(opcode: number, bytes: Buffer, start: number, stop: number): void {
    if (opcode === OPCODE.PING) this.#sink.onPing(Buffer.from(bytes.subarray(start, stop)));
    else if (opcode === OPCODE.PONG) this.#sink.onPong(Buffer.from(bytes.subarray(start, stop)));
    else {
      // Data after a close frame must be discarded (RFC 6455 §5.5.1).
      this.stop();
      if (stop === start) {
        this.#sink.onCloseFrame(CLOSE.NO_STATUS, '');
        return;
      }
      if (stop - start === 1) throw broken('a close frame had only one byte of a close code');
      const code = bytes.readUInt16BE(start);
      if (!mayBeSent(code)) throw broken(`a close frame had the code ${code}, which may not be sent`);
      this.#sink.onCloseFrame(code, decodeText(bytes, start + 2, stop));
    }
  }
}

/** The length in the 2 or 8 bytes after the second byte; it must be in its shortest form (RFC 6455 §5.2). */
function payloadLength(bytes: Buffer, at: number, short: number): number {
  if (short === 126) {
    const length = bytes.readUInt16BE(at + 2);
    if (length < 126) throw broken('a length was not in its shortest form');
    return length;
  }
  const high = bytes.readUInt32BE(at + 2);
  const low = bytes.readUInt32BE(at + 6);
  if (high > 0x7fffffff) throw broken('a 64-bit length had its highest bit set');
  if (high === 0 && low < 0x10000) throw broken('a length was not in its shortest form');
  return high * 0x1_0000_0000 + low;
}

function broken(happened: string): WireError {
  return new WireError('PROTOCOL_ERROR', happened);
}
