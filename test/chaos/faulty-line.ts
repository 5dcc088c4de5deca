import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Dice } from './dice.ts';

/** What befalls a connection once so many bytes have passed, both ways together. */
type Fault = 'none' | 'cut' | 'reset' | 'stall' | 'delay' | 'hold';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly fault: Fault;
  /** Bytes before the fault. */
  left: number;
  isStalled: boolean;
}

export interface LineOptions {
  dice: Dice;
  /** The port at the far end; undefined while nobody is there. */
  target: () => number | undefined;
  /** Told of bytes before they pass. */
  onBytes: (count: number) => void;
  /** Holds the server's words back for a while, again and again. */
  isSlow?: boolean;
}

/** A TCP proxy for one client, which cuts, resets, stalls and delays its connections, at any byte. */
export class FaultyLine {
  readonly counts = { cuts: 0, stalls: 0, delays: 0 };
  readonly #options: LineOptions;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #isCalm = true;
  #isBlocked = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `ws://${this.#address}`;
  }

  /** For raw lines. */
  get linesUrl(): string {
    return `tcp://${this.#address}`;
  }

  get #address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the line is not open');
    return `127.0.0.1:${address.port}`;
  }

  storm(): void {
    this.#isCalm = false;
  }

  /** No more faults; a connection that is stalled stays so. */
  calm(): void {
    this.#isCalm = true;
  }

  /** Cuts every connection, and lets none through until `unblock`. */
  block(): void {
    this.#isBlocked = true;
    for (const link of this.#links) this.#cut(link, 'cut');
  }

  unblock(): void {
    this.#isBlocked = false;
  }

  /** Nothing passes any more, and neither end is told. */
  stall(): void {
    for (const link of this.#links) this.#stall(link);
  }

  close(): void {
    this.#server.close();
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  #accept(client: Socket): void {
    client.on('error', () => {});
    const port = this.#options.target();
    if (port === undefined || this.#isBlocked) {
      client.destroy();
      return;
    }
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    server.on('error', () => {});
    const { dice } = this.#options;
    // From a byte of the handshake to a hundred thousand, and each size is as likely.
    const link: Link = {
      client,
      server,
      fault: this.#draw(),
      left: Math.floor(2 ** (17 * dice.next())),
      isStalled: false,
    };
    this.#links.add(link);
    client.on('close', () => {
      if (link.isStalled) return;
      server.destroy();
      this.#links.delete(link);
    });
    void this.#relay(link, client, server);
    void this.#relay(link, server, client);
  }

  #draw(): Fault {
    const { dice, isSlow } = this.#options;
    const roll = dice.next();
    if (isSlow) return roll < 0.8 ? 'hold' : 'cut';
    if (roll < 0.3) return 'cut';
    if (roll < 0.4) return 'reset';
    if (roll < 0.5) return 'stall';
    return roll < 0.65 ? 'delay' : 'none';
  }

  async #relay(link: Link, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        this.#options.onBytes(bytes.length);
        const passed = link.left < bytes.length ? await this.#strike(link, from, to, bytes) : bytes;
        link.left -= passed.length;
        if (link.isStalled) return await new Promise(() => {});
        if (!to.write(passed)) await once(to, 'drain');
      }
      if (!link.isStalled) to.end();
    } catch {
      // Cut by us, or by one of the ends; over a stalled line the other does not hear of it.
      if (!link.isStalled) to.destroy();
    }
  }

  /** The fault, in the middle of `bytes`. Answers what still passes. */
  async #strike(link: Link, from: Socket, to: Socket, bytes: Buffer): Promise<Buffer> {
    if (this.#isCalm || link.fault === 'none') return bytes;
    const { dice } = this.#options;
    switch (link.fault) {
      case 'cut':
      case 'reset':
        to.write(bytes.subarray(0, Math.max(0, link.left)));
        this.#cut(link, link.fault);
        throw new Error('cut');
      case 'stall':
        to.write(bytes.subarray(0, Math.max(0, link.left)));
        this.#stall(link);
        break;
      case 'hold':
        if (from !== link.server) break;
        link.left += 100_000;
        this.counts.delays += 1;
        await pause(dice.below(400));
        break;
      case 'delay':
        this.counts.delays += 1;
        await pause(dice.below(20));
    }
    return bytes;
  }

  #cut({ client, server }: Link, how: 'cut' | 'reset'): void {
    this.counts.cuts += 1;
    for (const socket of [client, server]) {
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroySoon();
    }
  }

  #stall(link: Link): void {
    if (link.isStalled) return;
    link.isStalled = true;
    this.counts.stalls += 1;
    link.client.pause();
    link.server.pause();
  }
}
