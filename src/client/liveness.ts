import type { Timers } from './reconnecting-socket.ts';

/** Where `online`, `offline` and `pageshow` are heard: a window or a worker. */
export interface Network {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

export interface LivenessOptions {
  timers: Timers;
  network: Network | undefined;
  /** Asks the server for a sign of life, to come within so many milliseconds. */
  ask: (within: number) => void;
  /** Ends a pause: the reason for it may be gone. */
  wake: () => void;
  /** Called at each pulse, but for the first after sleep, when everything looks late. */
  onPulse: (now: number) => void;
}

/** How often it looks, in ms: a fifth of the usual ping, so that a dead line is found well before two pings. */
const PULSE = 5_000;
/** How long a sign of life may take, in ms: a round trip over a bad mobile line, several times over. */
const PATIENCE = 5_000;
/** After sleep or a change of network the connection is likely dead, and somebody is looking at the screen. */
const IMPATIENCE = 3_000;

/** `pageshow` is the return of a page from the browser's back-forward cache, where all connections are cut. */
const EVENTS = ['online', 'offline', 'pageshow'];

/**
 * Doubts the connection: when the server has been silent for longer than it said it would be, when the clock jumped
 * (the machine slept, or the tab was frozen), and when the network changed. To doubt is to ask, never to hang up: a
 * browser that slows the timers of a hidden tab looks like sleep, and the answer shows that all is well.
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
    // Either way: a wall clock may be set back.
    const slept = Math.abs(now - this.#last - PULSE) >= PULSE;
    this.#wait();
    if (slept) {
      this.#doubt();
      return;
    }
    if (now - this.#heard > this.ping) this.#options.ask(PATIENCE);
    this.#options.onPulse(now);
  }
}
