import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { TimerWheel } from './timer-wheel.ts';

/** What happens to a message for a connection whose queue is over its limit. */
export type QueueVerdict =
  /** The connection is closed with 1013 (try again later). */
  | 'close'
  /** This message is not sent to it; `send` returns false. */
  | 'drop'
  /** It is queued anyway. The application must bound the memory itself. */
  | 'queue';

/** What the queues of one server share. */
export interface QueueContext {
  /** `queueLimit`: bytes queued above which the verdict applies to a further message. */
  readonly limits: { readonly queueLimit: number };
  readonly wheel: Pick<TimerWheel, 'now'>;
}

/** A place in the queue for a frame that is not encoded yet. */
interface ReservedFrame {
  frame: Buffer | null;
  readonly estimate: number;
  /** Called when the system has taken it, or never will. */
  readonly onTaken?: () => void;
}

/** Up to this size, several frames are copied into one buffer: cheaper than passing the system a list. */
const COPY_UP_TO = 64 * 1024;
/** Shared by all connections: never changed, not even its length. */
const NOTHING: (Buffer | ReservedFrame)[] = [];
const NO_BYTES = Buffer.alloc(0);
/** Waiting frames up to this size are copied together: each one alone would keep far more memory than its own bytes. */
const SMALL = 4 * 1024;
const PAGE = 8 * 1024;
/** Bytes handed to the socket at a time: a peer that reads 17 KiB/s takes them within a pongTimeout, and counts as alive. */
const IN_FLIGHT = 256 * 1024;

/**
 * What was sent on one connection and the system has not taken yet, in order, counted with all overhead. A peer that
 * never reads costs its own backlog and no more.
 */
export class Backlog {
  readonly #socket: Duplex;
  readonly #context: QueueContext;
  #frames = NOTHING;
  #bytes = 0;
  /**
   * How many of the frames were compacted already. The last of them may be the current page, which has room for more.
   */
  #compact = 0;
  #page = NO_BYTES;
  #flushes = false;
  #ends = false;
  #isLast = false;
  /** The wheel's tick at which the system last took waiting bytes. It shows that the peer reads. */
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

  /** Whether frames wait here; nothing may be written ahead of them. */
  get isWaiting(): boolean {
    return this.#frames.length > 0;
  }

  /** Whether what waits here waits for a frame that is not encoded yet. */
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

  /**
   * Keeps a place for a frame of about `estimate` bytes; the returned function fills it. Later frames wait behind it.
   */
  reserve(estimate: number): (frame: Buffer) => void {
    const reserved: ReservedFrame = { frame: null, estimate };
    if (this.#frames === NOTHING) this.#frames = [];
    this.#frames.push(reserved);
    this.#bytes += estimate;
    return (frame) => {
      reserved.frame = frame;
    };
  }

  /** Writes `bytes` to the socket before anything that waits. Returns whether the socket still holds some of them. */
  write(bytes: Buffer): boolean {
    if (bytes.length > IN_FLIGHT) {
      this.push(bytes);
      this.flush();
    } else this.#socket.write(bytes);
    return this.#socket.writableLength > 0;
  }

  /** Writes what waits and is ready, in one write where possible, once the socket holds nothing. */
  flush(): void {
    while (this.#frames.length > 0 && this.#socket.writableLength === 0 && this.#handOver());
    const waits = this.#frames.length > 0;
    if (this.#ends && !waits) this.#socket.end((error?: Error) => error ?? this.#noteTaken());
    else if ((waits || this.#isLast) && this.#socket.writableLength > 0) this.#wait();
  }

  /**
   * Writes what is ready, up to IN_FLIGHT bytes; larger frames go in parts. Returns whether there was anything to
   * write.
   */
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
    const left = count === this.#frames.length ? NOTHING : this.#frames.slice(count);
    this.#replace(rest === null ? left : [rest, ...left]);
    this.#bytes += rest?.length ?? 0;
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

  /** Flushes once the socket holds nothing; until then small frames are packed into pages. */
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
    // The callback of an empty write runs when everything before it is out.
    this.#socket.write(NO_BYTES, () => {
      this.#flushes = false;
      this.#noteTaken();
      this.flush();
    });
  }

  /** None of `frames` is compacted. */
  #replace(frames: (Buffer | ReservedFrame)[]): void {
    this.#frames = frames;
    this.#compact = 0;
    this.#page = NO_BYTES;
  }

  #noteTaken(): void {
    this.takenAt = this.#context.wheel.now;
  }

  /** No more frames will come. From here on `takenAt` also records when everything was taken. */
  finish(): void {
    this.#isLast = true;
  }

  /** Ends the socket behind everything that waits. */
  end(): void {
    this.#ends = true;
    this.flush();
  }

  /** Drops everything that waits here. */
  clear(): void {
    const frames = this.#frames;
    this.#replace(NOTHING);
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
