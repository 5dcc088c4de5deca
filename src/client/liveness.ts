import type { Timers } from './reconnecting-socket.ts';

/** Emits `online`, `offline` and `pageshow`: a window or a worker. */
export interface Network {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

export interface LivenessOptions {
  timers: Timers;
  network: Network | undefined;
  /** Asks the server for a line, to arrive within this many milliseconds. */
  ask: (within: number) => unknown;
  /** Ends a pause before reconnecting, whose reason may be gone. */
  wake: () => void;
  /** Called at each pulse, except the first one after sleep, when everything looks late. */
  onPulse: (now: number) => void;
}

/** How often it checks, in ms: a fifth of the usual ping, so that a dead connection is found well before two pings. */
const PULSE = 5_000;
/** How long an answer may take, in ms: several round trips over a bad mobile connection. */
const PATIENCE = 5_000;
/** The same after sleep or a change of network: the connection is likely dead, and a user is waiting. */
const IMPATIENCE = 3_000;

/** `pageshow` is the return of a page from the browser's back-forward cache, where all connections are closed. */
const EVENTS = ['online', 'offline', 'pageshow'];

/**
 * Checks the connection: when the server has been silent for longer than announced, when the clock jumped (the machine
 * slept, or the tab was frozen), and when the network changed. A check asks for an answer and never closes at once: a
 * browser that slows the timers of a hidden tab looks like sleep, and then the answer shows that the connection works.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #cancel: (() => void) | undefined;
  #last = 0;
  #heard = 0;
  /** Milliseconds of silence that are normal. */
  ping = 25_000;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#cancel) return;
    this.heard();
    for (const event of EVENTS) this.#options.network?.addEventListener(event, this.#doubt);
    this.#wait();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const event of EVENTS) this.#options.network?.removeEventListener(event, this.#doubt);
  }

  heard(): void {
    this.#heard = this.#options.timers.now();
  }

  readonly #doubt = () => {
    this.#options.wake();
    this.#options.ask(IMPATIENCE);
  };

  #wait(): void {
    this.#last = this.#options.timers.now();
    this.#cancel = this.#options.timers.after(PULSE, () => this.#pulse());
  }

  #pulse(): void {
    const now = this.#options.timers.now();
    // In both directions: a wall clock may be set back.
    const slept = Math.abs(now - this.#last - PULSE) >= PULSE;
    this.#wait();
    if (slept) this.#doubt();
    else {
      if (now - this.#heard > this.ping) this.#options.ask(PATIENCE);
      this.#options.onPulse(now);
    }
  }
}
