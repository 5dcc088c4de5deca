import type { WelcomeLimits } from '../protocol/index.ts';
import type { Timers } from './reconnecting-socket.ts';
import type { Line, Request } from './requests.ts';

/** Characters in a frame after which a new frame is started, so that many small lines stay under any limit. */
const FRAME = 16_384;
/** The share used of the server's rate, since `hi` and keepalive lines count too. A burst may have twice the rate. */
const SHARE = 0.9;

/** The lines of one connection that wait to be sent: those of one tick leave together, at the rate that is allowed. */
export class PacedLines {
  /**
   * Requests refused for an expired token, to be repeated with a new one. Until then nothing is sent, nor overtakes
   * them.
   */
  readonly held: Request[] = [];
  readonly #timers: Timers;
  readonly #send: (frame: string) => void;
  readonly #waiting: Line[] = [];
  /** The share of a second's limits that a line takes, and a character. */
  #perLine = 0;
  #perByte = 0;
  /** The share that was used: by lines or by bytes, whichever is more. */
  #spent = 0;
  #cancelTurn: (() => void) | undefined;

  constructor(timers: Timers, send: (frame: string) => void) {
    this.#timers = timers;
    this.#send = send;
  }

  /** Whether a line that is added now is sent at once. */
  get isFree(): boolean {
    return this.#spent + this.#waiting.length * this.#perLine < SHARE;
  }

  /** The limits of a second that the server has told. */
  allow({ lines = Infinity, bytes = Infinity }: WelcomeLimits = {}): void {
    this.#perLine = 1 / lines;
    this.#perByte = 1 / bytes;
  }

  /** Sends it at the end of this tick, or when it may be. */
  add(line: Line): void {
    if (this.#waiting.push(line) === 1) queueMicrotask(() => this.flush());
  }

  addFirst(lines: readonly Line[]): void {
    this.#waiting.unshift(...lines);
    this.flush();
  }

  /** The text of a line that is sent now. */
  leaving(line: Line): string {
    line.due = this.#timers.now() + line.within!;
    return line.line;
  }

  /** The connection is lost, and what waits with it. */
  clear(): void {
    this.#waiting.length = this.held.length = this.#spent = 0;
    this.#cancelTurn?.();
    this.#cancelTurn = undefined;
    this.allow();
  }

  flush(): void {
    let frame = '';
    while (this.#spent < SHARE && this.#waiting.length > 0 && this.held.length === 0) {
      const line = this.leaving(this.#waiting.shift()!);
      this.#spent += Math.max(this.#perLine, line.length * this.#perByte);
      frame += (frame && '\n') + line;
      if (frame.length > FRAME) {
        this.#send(frame);
        frame = '';
      }
    }
    if (frame) this.#send(frame);
    if (this.#spent > 0)
      this.#cancelTurn ??= this.#timers.after(1_000, () => {
        this.#cancelTurn = undefined;
        // What exceeded one second's limit is deducted from the next.
        this.#spent = Math.max(0, this.#spent - SHARE);
        this.flush();
      });
  }
}
