import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';

/** What becomes of a message for a connection whose queue is over its limit. */
export type QueueVerdict =
  /** The connection is closed with 1013 (try again later). */
  | 'close'
  /** This message is not sent to it; `send` answers false. */
  | 'drop'
  /** It is queued all the same, at the program's own risk. */
  | 'queue';

export interface QueueLimits {
  /** Bytes queued above which `send` answers false. */
  readonly highWaterMark: number;
  /** Bytes queued above which a further message meets the verdict. */
  readonly queueLimit: number;
}

/** A place in the queue whose frame is still being made. */
interface Place {
  frame: Buffer | null;
  readonly estimate: number;
}

/** Up to this much, several frames are copied into one buffer: cheaper than handing the system a list. */
const COPY_UP_TO = 64 * 1024;
const NOTHING: (Buffer | Place)[] = [];

/**
 * What one connection has been sent and the system has not taken yet, counted with all its overhead, in the order
 * in which it was sent. A reader that never reads costs its own backlog and no more.
 */
export class Backlog {
  readonly #socket: Duplex;
  readonly #limits: QueueLimits;
  #frames = NOTHING;
  #bytes = 0;

  constructor(socket: Duplex, limits: QueueLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  /** Bytes that wait here or in the socket. */
  get size(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0 && this.#socket.writableLength === 0;
  }

  /** Whether frames wait here, in front of which nothing may be written. */
  get isWaiting(): boolean {
    return this.#frames.length > 0;
  }

  /** Whether what waits here waits for a frame that is still being made. */
  get isBlocked(): boolean {
    return this.#frames.some((entry) => 'estimate' in entry);
  }

  get isAboveMark(): boolean {
    return this.size > this.#limits.highWaterMark;
  }

  get isOverLimit(): boolean {
    return this.size > this.#limits.queueLimit;
  }

  push(frame: Buffer): void {
    if (this.#frames === NOTHING) this.#frames = [];
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** Keeps a place for a frame of about `estimate` bytes; the answer fills it. What comes later waits behind it. */
  reserve(estimate: number): (frame: Buffer) => void {
    const place: Place = { frame: null, estimate };
    if (this.#frames === NOTHING) this.#frames = [];
    this.#frames.push(place);
    this.#bytes += estimate;
    return (frame) => {
      place.frame = frame;
    };
  }

  /** Hands `bytes` to the socket before anything that waits. Answers whether the socket still holds them. */
  write(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    return this.#socket.writableLength > 0;
  }

  /** Hands over, in one write where it can, what waits and is ready. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const ready: Buffer[] = [];
    let bytes = 0;
    for (const entry of this.#frames) {
      const frame = 'estimate' in entry ? entry.frame : entry;
      if (!frame) break;
      this.#bytes -= 'estimate' in entry ? entry.estimate : frame.length;
      bytes += frame.length;
      ready.push(frame);
    }
    this.#frames = ready.length === this.#frames.length ? NOTHING : this.#frames.slice(ready.length);
    if (ready.length === 1) this.#socket.write(ready[0]!);
    else if (ready.length > 1 && bytes <= COPY_UP_TO) this.#socket.write(Buffer.concat(ready, bytes));
    else if (ready.length > 1) {
      this.#socket.cork();
      for (const frame of ready) this.#socket.write(frame);
      this.#socket.uncork();
    }
  }

  /** Lets go of what waits here. */
  clear(): void {
    this.#frames = NOTHING;
    this.#bytes = 0;
  }

  /** Resolves when what was handed to the socket so far has been taken by the system, or the socket is gone. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.writableLength === 0 || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', resolve);
      // An empty write is called back when everything before it is out.
      socket.write('', () => {
        socket.off('close', resolve);
        resolve();
      });
    });
  }
}
