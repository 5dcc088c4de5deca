import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import type { AcceptQueue } from './accept-queue.ts';
import { withDeadline } from './deadline.ts';
import type { StreamSocket } from './stream-socket.ts';

/** In milliseconds: half of the 10 seconds after which Docker kills a program that it has asked to stop. */
const GRACE = 5_000;

/** What a server stands on: one bound address. */
export interface Listener {
  readonly address: string;
  /** Takes nobody in any more; settles when everybody has gone. */
  close(): Promise<void>;
  /** Ends those who are still here. */
  cut(): void;
}

/** A server by URL; take its sockets with `for await (const socket of server)` or one at a time with `accept`. */
export class StreamServer {
  /** Where it listens, as people write it, with the port that was really taken. */
  readonly addresses: string[];
  readonly #listeners: Listener[];
  readonly #queue: AcceptQueue<StreamSocket>;
  readonly #clock: Clock;
  #closed: Promise<unknown> | undefined;

  constructor(listeners: Listener[], queue: AcceptQueue<StreamSocket>, clock: Clock) {
    this.addresses = listeners.map(({ address }) => address);
    this.#listeners = listeners;
    this.#queue = queue;
    this.#clock = clock;
  }

  /**
   * The next socket.
   *
   * @param options.timeout in milliseconds; 0, the default, waits for ever.
   * @throws {ZocaloError} TIMEOUT, ABORTED, or SOCKET_CLOSED once the server closes.
   */
  async accept(options: { timeout?: number; signal?: AbortSignal } = {}): Promise<StreamSocket> {
    const { timeout = 0, signal } = options;
    const address = this.addresses.join(' and ');
    const socket = await withDeadline({ clock: this.#clock, timeout, signal, address }, (until) => this.#take(until));
    if (!socket) throw new ZocaloError('SOCKET_CLOSED', `${address} is closed`, { advice: 'listen anew' });
    return socket;
  }

  /** Every socket until the server closes. Leaving the loop early leaves the server open. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamSocket, void, undefined> {
    for (let socket = await this.#take(); socket; socket = await this.#take()) yield socket;
  }

  /**
   * Takes in nobody any more, lets those who are here finish, and after `grace` milliseconds ends them. Those whom
   * nobody has accepted yet are ended at once. May be called again with a shorter grace.
   *
   * @param options.grace default 5,000: half of the 10 seconds after which Docker kills what it asked to stop.
   */
  async close(options: { grace?: number } = {}): Promise<void> {
    const { grace = GRACE } = options;
    this.#closed ??= Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const socket of this.#queue.close()) socket.destroy();
    const cut = () => {
      for (const listener of this.#listeners) listener.cut();
    };
    const cancel = grace > 0 ? this.#clock.after(grace, cut) : cut();
    await this.#closed;
    cancel?.();
  }

  /** Passes over those who have gone while they waited. */
  async #take(signal?: AbortSignal): Promise<StreamSocket | undefined> {
    for (;;) {
      const socket = await this.#queue.take(signal);
      if (!socket?.destroyed) return socket;
    }
  }
}
