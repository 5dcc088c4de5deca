import { after } from '../clock.ts';

/**
 * A WebSocket that reconnects by itself. It only manages the connection: its user decides what to send after each
 * opening, and what to keep in between.
 *
 * Runs in browsers and in Node; the WebSocket, the clock and the random numbers are passed in.
 */

/** `waiting` is the pause before the next attempt; `closed` is the initial state, and the final one after `close`. */
export type SocketState = 'closed' | 'connecting' | 'open' | 'waiting';

export const LEGAL: Readonly<Record<SocketState, readonly SocketState[]>> = {
  closed: ['connecting'],
  connecting: ['open', 'waiting', 'closed'],
  open: ['waiting', 'closed'],
  waiting: ['connecting', 'closed'],
};

/** What it needs of a WebSocket: the browser's, Node's, or a test's. */
export interface PlainSocket {
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** What it needs of a clock. `now` in milliseconds; `after` returns a function that cancels it. */
export interface Timers {
  now(): number;
  after(delay: number, action: () => void): () => void;
}

export interface ReconnectingSocketOptions {
  /** Opens one connection, for example `() => new WebSocket(url)`. */
  connect: () => PlainSocket;
  /** Called after each change of `state`. */
  onState: (state: SocketState) => void;
  /** Return false if this message does not prove yet that the server works; then the pauses stay long. */
  onMessage: (data: unknown) => unknown;
  timers?: Timers;
  /** Returns a number from 0 up to 1. Default `Math.random`. */
  random?: () => number;
  /** Longest pause before the first attempt, in ms; it doubles with each failure. Default 500. */
  base?: number;
  /** Longest pause, in ms. Default 15,000: about what a person waits before reloading the page. */
  cap?: number;
  /** Time limit for an attempt, in ms. Default 10,000, since browsers may wait for minutes. */
  patience?: number;
  /** Close codes after which it must not reconnect. Default only 1008: the server refuses us. */
  finalCodes?: readonly number[];
}

export const browserTimers: Timers = { now: () => performance.now(), after };

const DEFAULTS = {
  timers: browserTimers,
  random: Math.random,
  patience: 10_000,
  finalCodes: [1008] as readonly number[],
};

/**
 * The pause before attempt number `failures` (from 0), in ms: random up to a limit that doubles and is capped. Drawing
 * from the whole range ("full jitter") spreads the clients that lost the same server.
 */
export function pauseBefore(failures: number, random: number, base = 500, cap = 15_000): number {
  return random * Math.min(cap, base * 2 ** failures);
}

export class ReconnectingSocket {
  readonly #options: ReconnectingSocketOptions & typeof DEFAULTS;
  #state: SocketState = 'closed';
  /** While connecting and open. */
  #socket: PlainSocket | undefined;
  #failures = 0;
  #retryAt = 0;
  #closeCode: number | undefined;
  /** The only timer: for the attempt while connecting, an answer while open, the pause while waiting. */
  #cancelTimer = () => {};
  #expecting = false;

  constructor(options: ReconnectingSocketOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Milliseconds until the next attempt; 0 unless `waiting`. */
  get retryIn(): number {
    return this.#state === 'waiting' ? Math.max(0, this.#retryAt - this.#options.timers.now()) : 0;
  }

  /** The close code from the other side for the last connection, if any. 1006: lost without a close frame. */
  get closeCode(): number | undefined {
    return this.#closeCode;
  }

  /** Connects at once, whether closed or in a pause; does nothing while connecting or open. */
  open(): void {
    if (this.#socket) return;
    this.#cancelTimer();
    this.#closeCode = undefined;
    const { connect, patience, timers } = this.#options;
    const socket = connect();
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      this.#cancelTimer();
      this.#become('open');
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      if (this.#expecting) this.#cancelTimer();
      this.#expecting = false;
      // Only now the server is known to work: one that accepts and closes at once must not reset the pauses.
      if (this.#options.onMessage(data) !== false && socket === this.#socket) this.#failures = 0;
    });
    socket.addEventListener('close', ({ code }) => {
      if (socket === this.#socket) this.#lost(code);
    });
    this.#cancelTimer = timers.after(patience, () => this.#lost(1006));
    this.#become('connecting');
  }

  /** Connects at once if it is in a pause: for a button, or the browser's `online` event. */
  retryNow(): void {
    if (this.#state === 'waiting') this.open();
  }

  /** Closes it, until the next `open`. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#closeCode = undefined;
    this.#release(1000);
    this.#become('closed');
  }

  /**
   * Gives up the current connection or attempt, and reconnects after the usual pause plus `atLeast` milliseconds: the
   * time that the server asked for, with jitter on top, so that its clients do not all return at once.
   */
  lose(atLeast = 0): void {
    if (this.#socket) this.#lost(1006, atLeast);
  }

  /** False when there is no open connection; then nothing was sent. */
  send(data: string): boolean {
    if (this.#state !== 'open') return false;
    this.#socket?.send(data);
    return true;
  }

  /**
   * Gives the connection up unless something arrives within `milliseconds`. A network that disappeared sends no error,
   * so only the missing answer shows it.
   */
  expectAnswer(milliseconds: number): void {
    if (this.#state !== 'open' || this.#expecting) return;
    this.#expecting = true;
    this.#cancelTimer = this.#options.timers.after(milliseconds, () => this.#lost(1006));
  }

  #lost(code: number, atLeast = 0): void {
    this.#release();
    this.#closeCode = code;
    const { base, cap, finalCodes, random, timers } = this.#options;
    if (finalCodes.includes(code)) this.#become('closed');
    else {
      const pause = atLeast + pauseBefore(this.#failures++, random(), base, cap);
      this.#retryAt = timers.now() + pause;
      this.#cancelTimer = timers.after(pause, () => this.open());
      this.#become('waiting');
    }
  }

  /** Closes the current connection; its late events must not affect the next one. */
  #release(code?: number): void {
    this.#cancelTimer();
    this.#expecting = false;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(code);
  }

  #become(state: SocketState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}
