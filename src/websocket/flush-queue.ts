import { Buffer } from 'node:buffer';

/** A connection, as the flush queue sees it. */
export interface Flushable {
  /** Writes what was sent in this turn of the event loop. */
  flush(): void;
}

/** Bytes for the replies to one piece of input; more than this takes further writes. */
const SCRATCH = 128 * 1024;
/** After a slow write, the rest of the scratch buffer is used while it is at least this large. */
const SCRATCH_LEFT = 16 * 1024;

/**
 * Gathers what is sent during one turn of the event loop, so that each connection is written to once.
 *
 * While a connection's input is handled it is *corked*: what it sends is encoded straight into one scratch buffer that
 * all connections share, and is written when the input is done. What other connections send meanwhile is queued, and
 * written at the end of the turn.
 */
export class FlushQueue {
  scratch = Buffer.allocUnsafeSlow(SCRATCH);
  used = 0;
  corked: Flushable | null = null;
  /** The last encoded text and its frame: a loop that sends the same text to all users encodes it once. */
  lastText = '';
  lastFrame: Buffer | null = null;
  readonly #waiting: Flushable[] = [];
  readonly #endings: (() => void)[] = [];
  #scheduled = false;

  get room(): number {
    return this.scratch.length - this.used;
  }

  /** The bytes gathered for the corked connection. Call `release` after writing them. */
  gathered(): Buffer {
    return this.scratch.subarray(0, this.used);
  }

  /** `kept`: the kernel did not take the bytes at once, so their part of the buffer must not be reused. */
  release(kept: boolean): void {
    if (kept) {
      this.scratch = this.scratch.subarray(this.used);
      if (this.scratch.length < SCRATCH_LEFT) this.scratch = Buffer.allocUnsafeSlow(SCRATCH);
    }
    this.used = 0;
  }

  /** Flushes `connection` at the end of this turn. The caller asks at most once per turn. */
  flushLater(connection: Flushable): void {
    this.#waiting.push(connection);
    this.#schedule();
  }

  /** Runs `action` at the end of this turn, before the connections are flushed. */
  atEnd(action: () => void): void {
    this.#endings.push(action);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    this.#scheduled = false;
    this.lastText = '';
    this.lastFrame = null;
    for (const action of this.#endings.splice(0)) action();
    const waiting = this.#waiting.splice(0);
    for (let i = 0; i < waiting.length; i++) waiting[i]!.flush();
  };
}
