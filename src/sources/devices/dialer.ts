import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import { toZocaloError } from '../../stream/index.ts';

/** Milliseconds: the first pause between two calls, doubled up to the longest. */
const PAUSE = { first: 1_000, longest: 30_000 } as const;

export interface DialerOptions<T> {
  /** For errors. */
  readonly address: string;
  /** Connects with the device, or opens its file; the signal ends the attempt. */
  readonly open: (signal: AbortSignal) => Promise<T>;
  readonly clock: Clock;
  /** 0 to 1: devices that lost their network together are not called together. */
  readonly random: () => number;
  /** Has the connection; resolves when it is over, with whether the device has said anything. */
  readonly serve: (connection: T) => Promise<boolean>;
  readonly onFailure: (error: ZocaloError) => void;
}

/**
 * Calls a device, or opens its file, and does so again whenever the connection is over, after pauses of 1 to 30 seconds. There is never
 * more than one connection: many devices take one, and hold a dead one for a minute.
 */
export class Dialer<T extends { destroy(): unknown }> {
  readonly #options: DialerOptions<T>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: DialerOptions<T>) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Calls no more. Resolves when the connection is over, which its owner ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { address, serve, onFailure, clock, random } = this.#options;
    const { signal } = this.#stop;
    let pause: number = PAUSE.first;
    while (!signal.aborted) {
      let hasSpoken = false;
      try {
        const connection = await this.#call();
        if (signal.aborted) connection.destroy();
        else hasSpoken = await serve(connection);
      } catch (error) {
        if (!signal.aborted) onFailure(toZocaloError(error, address));
      }
      if (hasSpoken) pause = PAUSE.first;
      if (!signal.aborted) await rested(pause * (0.5 + random() / 2), clock, signal);
      pause = Math.min(2 * pause, PAUSE.longest);
    }
  }

  /** The signal ends the call only: what is stored of an open connection is its owner's concern. */
  #call(): Promise<T> {
    const calling = new AbortController();
    const abort = () => calling.abort();
    this.#stop.signal.addEventListener('abort', abort);
    return this.#options.open(calling.signal).finally(() => this.#stop.signal.removeEventListener('abort', abort));
  }
}

function rested(pause: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(pause, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = () => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
