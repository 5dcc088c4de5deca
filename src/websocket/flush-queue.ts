import { Buffer } from 'node:buffer';

/** What a turn needs of a connection. */
export interface Flushable {
  /** Writes what was sent in this turn. */
  flush(): void;
}

/** Room for the answers to one piece of input; more than this goes out in further writes. */
const SCRATCH = 128 * 1024;
/** What is left of a scratch buffer after a slow write is used on while it is at least this large. */
const SCRATCH_LEFT = 16 * 1024;

/**
 * Gathers what is sent during one turn of the event loop, so that each connection gets it in one write.
 *
 * While a connection's input is handled it is *corked*: what it is sent is encoded straight into one scratch buffer
 * that all connections share, and leaves when the input is done. What other connections are sent meanwhile waits
 * with them until the end of the turn.
 */
export class FlushQueue {
  scratch = Buffer.allocUnsafeSlow(SCRATCH);
  used = 0;
  corked: Flushable | null = null;
  /** The text that was encoded last and its frame: a loop of `send` over all users encodes once. */
  lastText = '';
  lastFrame: Buffer | null = null;
  readonly #waiting: Flushable[] = [];
  readonly #endings: (() => void)[] = [];
  #scheduled = false;

  get room(): number {
    return this.scratch.length - this.used;
  }

  /** The bytes gathered for the corked connection. `release` must follow. */
  gathered(): Buffer {
    return this.scratch.subarray(0, this.used);
  }

  /** `kept`: the kernel did not take the bytes at once, so their part of the buffer is no longer ours. */
  release(kept: boolean): void {
    if (kept) {
      this.scratch = this.scratch.subarray(this.used);
      if (this.scratch.length < SCRATCH_LEFT) this.scratch = Buffer.allocUnsafeSlow(SCRATCH);
    }
    this.used = 0;
  }

  /** Flushes `connection` at the end of this turn. The caller sees to it that it asks once a turn. */
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
