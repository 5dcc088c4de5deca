import { type Clock, systemClock } from '../../clock.ts';
import type { Hub } from '../../hub/index.ts';
import { listen, type StreamServer, type StreamSocket } from '../../stream/index.ts';
import type { AddressLimits } from '../limits/index.ts';
import { LineWire } from './line-wire.ts';
import { StreamFanOut } from './stream-fan-out.ts';

export interface LineServerOptions {
  /** `tcp://host:port`. */
  readonly listen: string;
  /** Where its lines go, and come from. */
  readonly channel: string;
  readonly addressLimits?: AddressLimits;
  readonly clock?: Clock;
}

/** Milliseconds for which who has ended their side still hears, and then to take what is on its way. */
const HALF_CLOSED = 5_000;

/**
 * A channel for raw TCP: each line that comes is published, and what is published comes as a line. `nc` is a client,
 * and so is any device that can open a socket. A line that is too long (64 KiB) ends its connection. Whoever ends their own side still hears for five seconds.
 */
export class LineServer {
  readonly #hub: Hub;
  readonly #options: LineServerOptions;
  readonly #fanOut = new StreamFanOut();
  #server: StreamServer | undefined;
  #removeFanOut = (): void => {};

  constructor(hub: Hub, options: LineServerOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  get addresses(): readonly string[] {
    return this.#server?.addresses ?? [];
  }

  /** @throws as `listen` of the streams. */
  async open(): Promise<void> {
    this.#server = await listen(this.#options.listen);
    this.#removeFanOut = this.#hub.addFanOut(this.#fanOut);
    void this.#accept(this.#server);
  }

  /** Those who are here are cut off after `grace` milliseconds. */
  async close({ grace = 0 }: { grace?: number } = {}): Promise<void> {
    await this.#server?.close({ grace });
    this.#removeFanOut();
  }

  async #accept(server: StreamServer): Promise<void> {
    for await (const socket of server) void this.#serve(socket);
  }

  async #serve(socket: StreamSocket): Promise<void> {
    const address = new URL(socket.remoteAddress).hostname.replace(/^\[|\]$/g, '');
    const { addressLimits, channel } = this.#options;
    // No peer: the socket itself was not counted before.
    if (addressLimits?.join(address, '', socket)) {
      socket.destroy();
      return;
    }
    const wire = new LineWire(socket, address, this.#fanOut, () => guest.slow());
    const guest = this.#hub.connectText(wire, channel, { remoteAddress: address });
    socket.once('close', () => {
      guest.lost();
      wire.leave();
    });
    try {
      for await (const line of socket.lines()) guest.receive(line);
      this.#endSoon(socket);
    } catch {
      socket.destroy(); // a line that is too long, or a connection that broke
    }
  }

  /**
   * Its peer has ended its side. It may still wait for an answer, as nc does, or be gone: on a channel without news
   * nothing would ever show which.
   */
  #endSoon(socket: StreamSocket): void {
    const { clock = systemClock } = this.#options;
    let cancel = clock.after(HALF_CLOSED, () => {
      socket.end();
      cancel = clock.after(HALF_CLOSED, () => socket.destroy());
    });
    socket.once('close', () => cancel());
  }
}
