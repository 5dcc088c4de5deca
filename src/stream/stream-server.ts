import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import type { AcceptQueue } from './accept-queue.ts';
import { withDeadline } from './deadline.ts';
import type { StreamSocket } from './stream-socket.ts';

/** In milliseconds: half of the 10 seconds after which Docker kills a program that it has asked to stop. */
const GRACE = 5_000;

/** What a `tls:` server shows of itself, and whose certificates it accepts: see `ListenOptions`. */
export type StreamIdentity = Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>;

/** One bound address of a server. */
export interface Listener {
  readonly address: string;
  /** Accepts no more connections; resolves when all sockets are closed. */
  close(): Promise<void>;
  /** Destroys the open sockets. */
  cut(): void;
  /** For `tls:`: uses another certificate from the next connection on. */
  renew?(identity: StreamIdentity): void;
}

/** A server by URL. Get its sockets with `for await (const socket of server)`, or one at a time with `accept`. */
export class StreamServer {
  /** The addresses on which it listens, with the actual port. */
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
   * @param options.timeout in milliseconds; 0, the default, means no limit.
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
   * Accepts no more connections, lets open sockets finish, and ends them after `grace` milliseconds. Sockets that were
   * not accepted yet are ended at once. May be called again with a shorter grace.
   *
   * @param options.grace default 5,000: half of the 10 seconds after which Docker kills a program that it has asked to
   *   stop.
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

  /**
   * For `tls:`: uses another certificate for new connections; open ones keep the one that they have.
   * @throws {ZocaloError} BAD_CERTIFICATE; then the old one stays.
   */
  renewCertificate(identity: StreamIdentity): void {
    try {
      for (const listener of this.#listeners) listener.renew?.(identity);
    } catch (cause) {
      throw new ZocaloError('BAD_CERTIFICATE', (cause as Error).message, { cause });
    }
  }

  /** Skips sockets that closed while they waited. */
  async #take(signal?: AbortSignal): Promise<StreamSocket | undefined> {
    for (;;) {
      const socket = await this.#queue.take(signal);
      if (!socket?.destroyed) return socket;
    }
  }
}
