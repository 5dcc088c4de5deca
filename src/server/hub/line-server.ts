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
}

/**
 * A channel for raw TCP: each line that comes is published, and what is published comes as a line. `nc` is a client,
 * and so is any device that can open a socket. A line that is too long (64 KiB) ends its connection.
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
    if (addressLimits?.check(address)) {
      socket.destroy();
      return;
    }
    addressLimits?.enter(address);
    const wire = new LineWire(socket, address, this.#fanOut, () => guest.slow());
    const guest = this.#hub.connectText(wire, channel, { remoteAddress: address });
    socket.once('close', () => {
      addressLimits?.leave(address);
      guest.lost();
      wire.leave();
    });
    try {
      for await (const line of socket.lines()) guest.receive(line);
      // It has ended its side, and may still want to hear: nc does, until it is ended too.
    } catch {
      socket.destroy(); // a line that is too long, or a connection that broke
    }
  }
}
