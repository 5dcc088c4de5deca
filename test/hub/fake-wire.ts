import assert from 'node:assert/strict';
import { type Broker, type Erasable, type MemoryOptions, memory } from '../../src/broker/index.ts';
import type { ZocaloError } from '../../src/errors.ts';
import {
  type CloseReason,
  type Connection,
  closeText,
  type FanOut,
  Hub,
  type HubOptions,
  type Outgoing,
  type VisitorRequest,
  type Wire,
} from '../../src/hub/index.ts';
import {
  type ClientMessage,
  closeCode,
  decodeFromServer,
  encode,
  type Position,
  type ServerMessage,
} from '../../src/protocol/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { plain } from '../support/plain.ts';
import { settle } from '../support/turn.ts';

/** A fan-out that delivers at once, and checks that what goes out is legal. */
export class FakeFanOut implements FanOut {
  readonly wires = new Set<FakeWire>();
  /** Texts that were published, however many got them. */
  published = 0;

  publish(topic: string, { text }: Outgoing, except?: Wire): number {
    this.published++;
    const subscribers = [...this.wires].filter((wire) => wire.topics.has(topic));
    for (const wire of subscribers) if (wire !== except) wire.arrive(text);
    return subscribers.length;
  }
}

/** What one connection gets. A stuck one takes everything, but is never drained until it is freed. */
export class FakeWire implements Wire {
  readonly topics = new Set<string>();
  readonly texts: string[] = [];
  got: ServerMessage[] = [];
  closed: [code: number, reason: string] | null = null;
  plain = false;
  #drain: (() => void)[] | null = null;

  send({ text }: Outgoing): boolean {
    assert.equal(this.closed, null, `sent after its end: ${text}`);
    this.arrive(text);
    return this.#drain === null;
  }

  arrive(text: string): void {
    this.texts.push(text);
    if (this.plain) return;
    for (const { message, fault } of decodeFromServer(text)) {
      assert.equal(fault, undefined, `${fault?.message}: ${text}`);
      this.got.push(plain(message!));
    }
  }

  drained(): Promise<void> {
    if (this.#drain === null) return Promise.resolve();
    return new Promise((resolve) => this.#drain!.push(resolve));
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  close(reason: CloseReason): void {
    this.closed = [closeCode(reason.code), closeText(reason)];
  }

  stick(): void {
    this.#drain ??= [];
  }

  free(): void {
    const waiting = this.#drain ?? [];
    this.#drain = null;
    for (const resolve of waiting) resolve();
  }
}

/** One client of a hub under test. */
export class Guest {
  readonly wire = new FakeWire();
  readonly connection: Connection;
  #id = 0;

  constructor(hub: Hub, fanOut: FakeFanOut, request?: VisitorRequest) {
    fanOut.wires.add(this.wire);
    this.connection = hub.connect(this.wire, request);
  }

  say(...messages: ClientMessage[]): void {
    this.connection.receive(messages.map(encode).join('\n'));
  }

  /** Sends a request and answers with its result, or the code of its error. */
  async ask(verb: string, ...rest: unknown[]): Promise<unknown> {
    const id = ++this.#id;
    this.connection.receive(JSON.stringify([verb, id, ...rest]));
    await settle();
    const answer = this.wire.got.find((line) => (line[0] === 'ok' || line[0] === 'err') && line[1] === id);
    assert.ok(answer, `no answer to ${verb}`);
    return answer[2];
  }

  /** Publishes, and answers with the offset, or the code of the error. */
  async publish(channel: string, data: unknown, options: object = {}): Promise<unknown> {
    const answer = await this.ask('pub', channel, data, options);
    return typeof answer === 'string' ? answer : (answer as { at: Position }).at[1];
  }

  /** Subscribes, and answers with the offset at which that begins, or the code of the error. */
  async subscribe(channel: string, options: object = {}): Promise<unknown> {
    const answer = await this.ask('sub', channel, options);
    return typeof answer === 'string' ? answer : (answer as { offset: number }).offset;
  }

  /** What came and was not taken yet, answers left aside. */
  take(): ServerMessage[] {
    const taken = this.wire.got.filter((line) => line[0] !== 'ok' && line[0] !== 'err');
    this.wire.got = [];
    return taken;
  }

  /** The publications among them: offset and data. */
  publications(): unknown[] {
    return this.take().flatMap((line) => (line[0] === 'm' ? [[line[2], line[3]]] : []));
  }
}

interface Square<B extends Broker> {
  hub: Hub;
  clock: FakeClock;
  fanOut: FakeFanOut;
  broker: B;
  errors: ZocaloError[];
  /** Somebody who has said hi. */
  guest(hello?: { token?: string }): Promise<Guest>;
}

/** A hub over a memory broker, with a clock that stands still. */
export async function square<B extends Broker = Broker & Erasable>(
  options: Partial<HubOptions> = {},
  wrap: (broker: Broker & Erasable) => B = (broker) => broker as Broker as B,
  memoryOptions: MemoryOptions = {},
): Promise<Square<B>> {
  const clock = new FakeClock();
  const broker = wrap(memory({ clock, ...memoryOptions }));
  const fanOut = new FakeFanOut();
  const errors: ZocaloError[] = [];
  const hub = new Hub({ broker, clock, onError: (error) => errors.push(error), ...options });
  hub.addFanOut(fanOut);
  await hub.open();
  const guest = async (hello = {}) => {
    const guest = new Guest(hub, fanOut);
    await guest.ask('hi', hello);
    guest.take();
    return guest;
  };
  return { hub, clock, fanOut, broker, errors, guest };
}
