import { type Buffer, isUtf8 } from 'node:buffer';
import { type Clock, systemClock } from '../../../clock.ts';
import { type Hub, type TextConnection, visitorRequest } from '../../../hub/index.ts';
import { LineBuffer, lineText, listen, type StreamServer, type StreamSocket } from '../../../stream/index.ts';
import type { AddressLimits } from '../../limits/index.ts';
import type { OnRefused } from '../../refusal-reasons.ts';
import { StreamFanOut } from '../index.ts';
import { LineWire } from './line-wire.ts';

export interface LineServerOptions {
  /** `tcp://host:port`. */
  readonly listen: string;
  /** Where its lines go, and come from. */
  readonly channel: string;
  /** Whether an address may connect. Default: all. */
  readonly isAllowed?: (address: string) => boolean;
  readonly addressLimits?: AddressLimits;
  /** Called for each refused connection, with the reason. */
  readonly onRefused?: OnRefused;
  /** Called for each connection that was ended for what it sent or did not read, since a device may not show its last line. */
  readonly onEnded?: (why: string, address: string) => void;
  readonly clock?: Clock;
}

/** Bytes. A person or a device writes far less, and 1,000 such peers cost 64 MiB at most. */
const MAX_LINE = 65_536;

/** Milliseconds that a slow reader gets at most to take what waits for it when the server stops. */
const FLUSH = 2_000;
/** Milliseconds that the other sides get then to read their last line and to end. */
const GRACE = 250;

interface Guest {
  readonly connection: TextConnection;
  readonly wire: LineWire;
}

/** Milliseconds for which who has ended their side still hears, and then to take what is on its way. */
const HALF_CLOSED = 5_000;

/**
 * A channel for raw TCP, without rights of visitors: each line that comes is published, and what is published comes as a line. `nc` is a client,
 * and so is any device that can open a socket. Who sends faster than it is let, or than the log takes it, is held back by
 * TCP. What cannot be taken (a line over 64 KiB, or not UTF-8) ends its connection, and the last line says why. Who ends their
 * own side still hears for five seconds.
 */
export class LineServer {
  readonly #hub: Hub;
  readonly #options: LineServerOptions;
  readonly #fanOut = new StreamFanOut();
  #server: StreamServer | undefined;
  readonly #clock: Clock;
  readonly #guests = new Set<Guest>();
  #removeFanOut = (): void => {};
  #isClosing = false;

  constructor(hub: Hub, options: LineServerOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get count(): number {
    return this.#guests.size;
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

  /** Accepts no more connections, and sends the others a last line. Takes at most `grace` milliseconds. */
  async close({ grace = 0 }: { grace?: number } = {}): Promise<void> {
    if (!this.#server) return;
    const begun = this.#clock.now();
    const left = (most: number) => Math.max(0, Math.min(most, grace - (this.#clock.now() - begun)));
    this.#isClosing = true;
    await this.#hub.settled(grace);
    const guests = [...this.#guests];
    for (const { connection } of guests) connection.end('SHUTTING_DOWN');
    const closed = this.#server.close({ grace });
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(left(FLUSH), late.resolve);
    await Promise.race([Promise.all(guests.map(({ wire }) => wire.flushed())), late.promise]);
    cancel();
    await this.#server.close({ grace: left(GRACE) });
    await closed;
    this.#removeFanOut();
  }

  async #accept(server: StreamServer): Promise<void> {
    for await (const socket of server) void this.#serve(socket);
  }

  async #serve(socket: StreamSocket): Promise<void> {
    const address = new URL(socket.remoteAddress).hostname.replace(/^\[|\]$/g, '');
    const { addressLimits, channel, onRefused, onEnded, isAllowed = () => true } = this.#options;
    if (!isAllowed(address)) {
      onEnded?.('the address is not on the list of the source', address);
      socket.destroy();
      return;
    }
    // No peer: the socket itself was not counted before.
    const breach = addressLimits?.join(address, '', socket);
    if (breach) {
      const sentence = 'too many connections come from your address';
      onRefused?.(breach.reason, address, sentence);
      socket.end(`RATE_LIMITED: ${sentence}\n`, () => socket.destroy());
      return;
    }
    const wire = new LineWire(socket, address, {
      fanOut: this.#fanOut,
      clock: this.#clock,
      onSlow: () => connection.slow(),
      onEnded: (reason) => onEnded?.(reason, address),
    });
    const connection = this.#hub.connectText(wire, channel, visitorRequest({ remoteAddress: address }), {
      isTrusted: true,
    });
    const guest = { connection, wire };
    this.#guests.add(guest);
    socket.once('close', () => {
      this.#guests.delete(guest);
      connection.lost();
      wire.leave();
    });
    try {
      await this.#read(socket, guest);
      this.#endSoon(socket);
    } catch {
      socket.destroy(); // a connection that broke
    }
  }

  async #read(socket: StreamSocket, { connection, wire }: Guest): Promise<void> {
    const lines = new LineBuffer();
    let count = 0;
    const take = async (line: Buffer) => {
      count++;
      if (line.length > MAX_LINE) await connection.refuse('TOO_LARGE', `line ${count} has more than ${MAX_LINE} bytes`);
      else if (!isUtf8(line)) await connection.refuse('BAD_DATA', `line ${count} is not UTF-8`);
      else await connection.receive(lineText(line));
    };
    for await (const chunk of socket) {
      // What comes after the last line is read and thrown away: a reset would overtake that line.
      if (wire.isClosing || this.#isClosing) continue;
      lines.append(chunk);
      for (let line = lines.take(); line && !wire.isClosing && !this.#isClosing; line = lines.take()) await take(line);
      if (lines.length > MAX_LINE && !wire.isClosing) await take(lines.takeRest());
    }
    if (lines.length > 0 && !wire.isClosing) await take(lines.takeRest());
  }

  /**
   * Its peer has ended its side. It may still wait for an answer, as nc does, or be gone: on a channel without news
   * nothing would ever show which.
   */
  #endSoon(socket: StreamSocket): void {
    let cancel = this.#clock.after(HALF_CLOSED, () => {
      socket.end();
      cancel = this.#clock.after(HALF_CLOSED, () => socket.destroy());
    });
    socket.once('close', () => cancel());
  }
}
