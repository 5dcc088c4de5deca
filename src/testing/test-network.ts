import { type Broker, memory } from '../broker/index.ts';
import { Client, type ClientOptions } from '../client/index.ts';
// What a client loads late is there already, so that nothing has to be waited for.
import '../client/extras.ts';
import { type Hub, type VisitorRequest, visitorRequest } from '../hub/index.ts';
import type { Contract } from '../protocol/index.ts';
import { FakeClock } from './fake-clock.ts';
import { Line } from './line.ts';

/** Milliseconds since 1970 at which each test begins. */
const BEGIN = Date.UTC(2026, 0, 1);
/** Turns of the event loop without anything that moves, after which nothing will: a handler may await a few promises. */
const QUIET = 5;

/** Taken now, since a test may replace it by a fake one. */
const { setImmediate } = globalThis;

/** What a hub of a test lives by: pass it to `new Hub`. */
export interface TestParts {
  readonly broker: Broker;
  readonly clock: FakeClock;
}

export interface TestClientOptions extends Omit<ClientOptions, 'WebSocket' | 'clock' | 'network'> {
  /** What the hub's function `connect` gets as `request`: the headers, say, of which it reads the cookies. */
  request?: Partial<VisitorRequest>;
}

/**
 * A hub and its clients in one process, without a port, on a clock that stands still. Nothing depends on the speed of
 * the machine: `settle` waits until nothing moves any more, and `advance` lets time pass.
 *
 * @example
 * const network = new TestNetwork((parts) => new Hub({ ...parts, channels: { 'chat:*': {} } }));
 * const ana = network.client({ token: 'ana' });
 */
// biome-ignore lint/suspicious/noExplicitAny: a plain `Hub` has any contract.
export class TestNetwork<C extends Contract = any> {
  readonly clock = new FakeClock();
  readonly hub: Hub<C>;
  readonly #opened: Promise<void>;
  readonly #lines = new Map<Line, Client<C>>();
  readonly #offline = new Set<Client<C>>();
  readonly #clients: Client<C>[] = [];
  /** What was said, and what fell due. */
  #moves = 0;

  /** `make` gets a log in memory and the clock, and returns the hub. */
  constructor(make: (parts: TestParts) => Hub<C>) {
    const { clock } = this;
    this.hub = make({ clock, broker: memory({ clock, now: () => BEGIN + clock.now() }) });
    this.hub.addFanOut({
      publish: (topic, outgoing, except) => {
        const receivers = [...this.#lines.keys()].filter(({ topics }) => topics.has(topic));
        for (const line of receivers) if (line !== except) line.send(outgoing);
        return receivers.length;
      },
    });
    this.#opened = this.hub.open();
    this.#opened.catch(() => {}); // `settle` tells it
  }

  /** A client of the hub. It connects at its first use, as always. */
  client({ request, ...options }: TestClientOptions = {}): Client<C> {
    const connect = (protocol: string) => this.#connect(client, protocol, request);
    const client: Client<C> = new Client<C>('ws://test/', {
      random: () => 0.5,
      ...options,
      clock: this.clock,
      WebSocket: class {
        constructor(_: string, protocol: string) {
          // biome-ignore lint/correctness/noConstructorReturn: what a WebSocket is, the network knows
          return connect(protocol);
        }
      } as never,
    });
    this.#clients.push(client);
    return client;
  }

  /** Resolves when nothing moves any more: all that was said has arrived, and is answered. Rejects if the hub cannot open. */
  async settle(): Promise<void> {
    await this.#opened;
    for (let quiet = 0; quiet < QUIET; quiet++) {
      const before = this.#moves;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#moves !== before) quiet = -1;
    }
  }

  /** Lets so many milliseconds pass: what falls due is done in its order, and what follows from it. */
  async advance(milliseconds: number): Promise<void> {
    await this.settle();
    const { clock } = this;
    const end = clock.now() + milliseconds;
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.advance(next - clock.now());
      await this.settle();
    }
    clock.advance(end - clock.now());
  }

  /** A client's connection is lost, with what is under way. It comes back after its pause: see `advance`. */
  cut(client: Client<C>): void {
    for (const [line, owner] of [...this.#lines]) if (owner === client) line.cut();
  }

  /** A client is without a network, until the returned function is called. */
  offline(client: Client<C>): () => void {
    this.#offline.add(client);
    this.cut(client);
    return () => this.#offline.delete(client);
  }

  /** Closes the clients and the hub. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.settle();
    await this.hub.close();
  }

  #connect(client: Client<C>, protocol: string, request: Partial<VisitorRequest> | undefined): Line {
    const context = {
      hub: this.hub as Hub,
      later: (action: () => void) =>
        queueMicrotask(() => {
          this.#moves += 1;
          action();
        }),
      onEnd: (line: Line) => this.#lines.delete(line),
    };
    const line = new Line(
      context,
      protocol,
      visitorRequest({ remoteAddress: '127.0.0.1', ...request }),
      this.#offline.has(client),
    );
    this.#lines.set(line, client);
    return line;
  }
}
