import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { ZocaloError } from '../errors.ts';
import { isThenable } from '../thenable.ts';
import { Backlog } from './backpressure.ts';
import type { ConnectionContext } from './connection-context.ts';
import { headerSize, type Payload, payloadSize, writeFrame } from './core/frame-writer.ts';
import { CONTROL_PAYLOAD, FIN, OPCODE, RSV1 } from './core/opcodes.ts';
import type { MessageDeflate } from './deflate.ts';
import type { Flushable } from './flush-queue.ts';

/** The sending half of a connection: encodes messages as frames, which are written at the end of the turn. */
export abstract class Outgoing implements Flushable {
  /** The negotiated compression; null for none. */
  readonly deflate: MessageDeflate | null;
  protected readonly context: ConnectionContext;
  protected readonly backlog: Backlog;
  /** A client masks its frames (RFC 6455 §5.3). */
  protected readonly masks: boolean;
  #flushAsked = false;

  constructor(socket: Duplex, masks: boolean, context: ConnectionContext, deflate: MessageDeflate | null) {
    this.deflate = deflate;
    this.context = context;
    this.backlog = new Backlog(socket, context);
    this.masks = masks;
  }

  abstract get isOpen(): boolean;

  /** Whether a message may be queued although the queue is over its limit. Absent: one that goes to many. */
  protected abstract mayExceed(message: Payload | undefined): boolean;

  /** Bytes queued for the peer that the system has not taken yet, frame overhead included. */
  get bufferedAmount(): number {
    const { flushQueue } = this.context;
    return this.backlog.size + (flushQueue.corked === this ? flushQueue.used : 0);
  }

  /** Queues a message, written at the end of this turn. False above the high-water mark, or when it was not sent. */
  send(message: Payload): boolean {
    const length = payloadSize(message);
    if (!this.isOpen || !this.#admits(message)) return false;
    const opcode = typeof message === 'string' ? OPCODE.TEXT : OPCODE.BINARY;
    if (this.deflate !== null && length >= this.deflate.threshold) this.#sendCompressed(this.deflate, opcode, message);
    else this.put(FIN | opcode, message, length);
    return this.bufferedAmount <= this.context.limits.highWaterMark;
  }

  /** Sends frames encoded for many. `delivering`: the hook for a full queue runs after everybody else got them. */
  sendFrames(frames: Buffer, delivering = false): void {
    if (delivering && this.backlog.isOverLimit) {
      queueMicrotask(() => this.sendFrames(frames));
      return;
    }
    if (!this.isOpen || !this.#admits(undefined)) return;
    this.backlog.push(frames);
    this.#flushLater();
  }

  /** The same at the end of a turn, when they can be written at once. Returns whether the socket still holds them. */
  writeFrames(frames: Buffer): boolean {
    if (!this.isOpen) return false;
    if (!this.backlog.isEmpty) {
      this.sendFrames(frames, true);
      return true;
    }
    return this.backlog.write(frames);
  }

  /**
   * Sends a ping.
   * @throws ZocaloError BAD_OPTION when the payload is over 125 bytes.
   */
  ping(payload: Payload = ''): void {
    const length = payloadSize(payload);
    if (length > CONTROL_PAYLOAD)
      throw new ZocaloError('BAD_OPTION', `a ping cannot carry ${length} bytes`, { advice: 'use 125 at most' });
    this.sendControl(OPCODE.PING, payload, length);
  }

  /** Resolves when everything sent so far has been handed to the system, or the connection is over. */
  drained(): Promise<void> {
    this.flush();
    return this.backlog.drained();
  }

  #admits(message: Payload | undefined): boolean {
    if (this.backlog.isEmpty || !this.backlog.isOverLimit) return true;
    // What was sent in this turn may only wait for its end; a reader is slow when the system does not take it.
    this.flush();
    return !this.backlog.isOverLimit || this.mayExceed(message);
  }

  /**
   * Encodes one frame: into the shared scratch buffer while this connection's input is handled, otherwise into the
   * queue.
   */
  protected put(first: number, payload: Payload, length: number): void {
    const { flushQueue } = this.context;
    const size = headerSize(length, this.masks) + length;
    if (flushQueue.corked === this && !this.backlog.isWaiting && size <= flushQueue.room) {
      flushQueue.used = writeFrame(flushQueue.scratch, flushQueue.used, first, payload, length, this.masks);
    } else {
      this.backlog.push(this.#encode(first, payload, length));
      this.#flushLater();
    }
  }

  /** One frame in a buffer; the same buffer for the same text, so that a loop over all users encodes once. */
  #encode(first: number, payload: Payload, length: number): Buffer {
    const { flushQueue } = this.context;
    const shareable = typeof payload === 'string' && !this.masks && first === (FIN | OPCODE.TEXT);
    if (shareable && flushQueue.lastFrame !== null && flushQueue.lastText === payload) return flushQueue.lastFrame;
    const frame = Buffer.allocUnsafe(headerSize(length, this.masks) + length);
    writeFrame(frame, 0, first, payload, length, this.masks);
    if (shareable) {
      flushQueue.lastText = payload;
      flushQueue.lastFrame = frame;
    }
    return frame;
  }

  #sendCompressed(deflate: MessageDeflate, opcode: number, message: Payload): void {
    // A copy, since a large one is read after `send` has returned.
    const plain = Buffer.from(message as string);
    // While a large one is being compressed, the peer's window is unknown, so messages after it are sent uncompressed.
    const packed = deflate.dependent && this.backlog.isBlocked ? null : deflate.compress(plain);
    if (isThenable(packed)) {
      const fill = this.backlog.reserve(plain.length);
      packed
        .catch(() => null)
        .then((bytes) => {
          const payload = bytes ?? plain;
          fill(this.#encode(FIN | opcode | (bytes ? RSV1 : 0), payload, payload.length));
          this.flush();
        });
    } else {
      const payload = packed ?? plain;
      this.put(FIN | opcode | (packed ? RSV1 : 0), payload, payload.length);
    }
  }

  protected sendControl(opcode: number, payload: Payload, length: number): void {
    if (this.isOpen && this.#admits(payload)) this.put(FIN | opcode, payload, length);
  }

  #flushLater(): void {
    const { flushQueue } = this.context;
    if (this.#flushAsked || flushQueue.corked === this) return;
    this.#flushAsked = true;
    flushQueue.flushLater(this);
  }

  flush(): void {
    this.#flushAsked = false;
    const { flushQueue } = this.context;
    if (flushQueue.corked === this && flushQueue.used > 0)
      flushQueue.release(this.backlog.write(flushQueue.gathered()));
    this.backlog.flush();
  }
}
