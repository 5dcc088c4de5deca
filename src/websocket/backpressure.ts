import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { TimerWheel } from './timer-wheel.ts';

/** What becomes of a message for a connection whose queue is over its limit. */
export type QueueVerdict =
  /** The connection is closed with 1013 (try again later). */
  | 'close'
  /** This message is not sent to it; `send` answers false. */
  | 'drop'
  /** It is queued all the same, at the program's own risk. */
  | 'queue';

/** What the queues of one server share. */
export interface QueueContext {
  /** `queueLimit`: bytes queued above which a further message meets the verdict. */
  readonly limits: { readonly queueLimit: number };
  readonly wheel: Pick<TimerWheel, 'now'>;
}

/** A place in the queue whose frame is still being made. */
interface Place {
  frame: Buffer | null;
  readonly estimate: number;
  /** Called when it has been taken by the system, or never will be. */
  readonly onTaken?: () => void;
}

/** Up to this much, several frames are copied into one buffer: cheaper than handing the system a list. */
const COPY_UP_TO = 64 * 1024;
const NOTHING: (Buffer | Place)[] = [];
const NO_BYTES = Buffer.alloc(0);
/** Frames up to this size that have to wait are copied together: each by itself would hold far more than its bytes. */
const SMALL = 4 * 1024;
const PAGE = 8 * 1024;
/** Bytes handed to the socket at a time, so that a slow reader is seen to read: 17 KiB/s pass within a pongTimeout. */
const IN_FLIGHT = 256 * 1024;

/**
 * What one connection has been sent and the system has not taken yet, counted with all its overhead, in the order
 * in which it was sent. A reader that never reads costs its own backlog and no more.
 */
export class Backlog {
  readonly #socket: Duplex;
  readonly #context: QueueContext;
  #frames = NOTHING;
  #bytes = 0;
  /** So many of the frames have waited already, the last of them perhaps in the page, which has room for more. */
  #compact = 0;
  #page = NO_BYTES;
  #flushes = false;
  #ends = false;
  #isLast = false;
  /** The wheel's tick at which the system last took something that had to wait: then the peer reads. */
  takenAt = Number.NEGATIVE_INFINITY;

  constructor(socket: Duplex, context: QueueContext) {
    this.#socket = socket;
    this.#context = context;
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
    return this.#frames.some((entry) => 'estimate' in entry && entry.frame === null);
  }

  get isOverLimit(): boolean {
    return this.size > this.#context.limits.queueLimit;
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
    if (bytes.length > IN_FLIGHT) {
      this.push(bytes);
      this.flush();
    } else this.#socket.write(bytes);
    return this.#socket.writableLength > 0;
  }

  /** Hands over, in one write where it can, what waits and is ready; once the socket has let go of what it holds. */
  flush(): void {
    while (this.#frames.length > 0 && this.#socket.writableLength === 0 && this.#handOver());
    const waits = this.#frames.length > 0;
    if (this.#ends && !waits) this.#socket.end((error?: Error) => error ?? this.#noteTaken());
    else if ((waits || this.#isLast) && this.#socket.writableLength > 0) this.#wait();
  }

  /** Writes what is ready, up to IN_FLIGHT bytes, of a larger frame a part. Answers whether there was anything. */
  #handOver(): boolean {
    const ready: Buffer[] = [];
    const taken: (() => void)[] = [];
    let bytes = 0;
    let count = 0;
    let rest: Buffer | null = null;
    for (const entry of this.#frames) {
      const frame = 'estimate' in entry ? entry.frame : entry;
      if (!frame || bytes >= IN_FLIGHT) break;
      this.#bytes -= 'estimate' in entry ? entry.estimate : frame.length;
      count++;
      if ('estimate' in entry && entry.onTaken) taken.push(entry.onTaken);
      else if (bytes + frame.length <= IN_FLIGHT) ready.push(frame);
      else {
        ready.push(frame.subarray(0, IN_FLIGHT - bytes));
        rest = frame.subarray(IN_FLIGHT - bytes);
      }
      bytes += frame.length - (rest?.length ?? 0);
    }
    this.#frames = count === this.#frames.length ? NOTHING : this.#frames.slice(count);
    if (rest !== null) {
      this.#frames = [rest, ...this.#frames];
      this.#bytes += rest.length;
    }
    this.#compact = 0;
    this.#page = NO_BYTES;
    if (ready.length === 1) this.#socket.write(ready[0]!);
    else if (ready.length > 1 && bytes <= COPY_UP_TO) this.#socket.write(Buffer.concat(ready, bytes));
    else if (ready.length > 1) {
      this.#socket.cork();
      for (const frame of ready) this.#socket.write(frame);
      this.#socket.uncork();
    }
    for (const onTaken of taken) this.#socket.write(NO_BYTES, onTaken);
    return count > 0;
  }

  /** Flushes when the socket holds nothing any more; until then small frames are packed into pages. */
  #wait(): void {
    const frames = this.#frames;
    let kept = this.#compact;
    for (let i = kept; i < frames.length; i++) {
      const frame = frames[i]!;
      const page = this.#page;
      if ('estimate' in frame || frame.length > SMALL) {
        frames[kept++] = frame;
        this.#page = NO_BYTES;
      } else if (page.length > 0 && page.length + frame.length <= PAGE) {
        frame.copy(Buffer.from(page.buffer), page.length);
        this.#page = frames[kept - 1] = Buffer.from(page.buffer, 0, page.length + frame.length);
      } else {
        const { buffer } = Buffer.allocUnsafeSlow(PAGE);
        frame.copy(Buffer.from(buffer));
        this.#page = frames[kept++] = Buffer.from(buffer, 0, frame.length);
      }
    }
    frames.length = this.#compact = kept;
    if (this.#flushes) return;
    this.#flushes = true;
    // An empty write is called back when everything before it is out.
    this.#socket.write(NO_BYTES, () => {
      this.#flushes = false;
      this.#noteTaken();
      this.flush();
    });
  }

  #noteTaken(): void {
    this.takenAt = this.#context.wheel.now;
  }

  /** No frame will come any more: from here on `takenAt` also tells when everything has been taken. */
  finish(): void {
    this.#isLast = true;
  }

  /** Ends the socket behind everything that waits. */
  end(): void {
    this.#ends = true;
    this.flush();
  }

  /** Lets go of what waits here. */
  clear(): void {
    const frames = this.#frames;
    this.#frames = NOTHING;
    this.#bytes = 0;
    for (const entry of frames) if ('estimate' in entry) entry.onTaken?.();
  }

  /** Resolves when what is queued so far has been taken by the system, or the socket is gone. */
  drained(): Promise<void> {
    if (this.isEmpty || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      if (this.#socket.writableEnded) {
        this.#socket.once('close', resolve);
        return;
      }
      if (this.#frames === NOTHING) this.#frames = [];
      this.#frames.push({ frame: NO_BYTES, estimate: 0, onTaken: resolve });
      this.flush();
    });
  }
}
