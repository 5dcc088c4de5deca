import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { OpenStreams } from '../../../src/server/transports/index.ts';
import { Events } from '../../../src/server/transports/sse/sse.ts';
import { Origins } from '../../../src/websocket/index.ts';
import { Capricious } from '../../hub/capricious.ts';
import { square } from '../../hub/fake-wire.ts';
import { settle } from '../../support/turn.ts';

const CHANNELS = ['all', 'dropped', 'newest', 'short'] as const;
type Name = (typeof CHANNELS)[number];
const OPTIONS = {
  all: { maxData: 200_000 },
  dropped: { maxData: 200_000, slow: 'drop' },
  newest: { maxData: 200_000, slow: 'latest' },
  short: { maxData: 200_000, history: { size: 3 } },
} as const;

/** More than a reader's queue holds: whoever has not read two of these is slow. */
const BIG = 150_000;

/** A response whose bytes lie here until the reader takes them. */
class FakeResponse extends EventEmitter {
  status = 0;
  unread = Buffer.alloc(0);
  isOver = false;
  #needsDrain = false;

  setHeader(): void {}

  writeHead(status: number): void {
    this.status = status;
  }

  write(text: string): boolean {
    assert.ok(!this.isOver, 'nothing is written behind the end');
    this.unread = Buffer.concat([this.unread, Buffer.from(text)]);
    this.#needsDrain ||= this.unread.length > 1_000;
    return !this.#needsDrain;
  }

  end(text = ''): void {
    this.write(text);
    this.isOver = true;
  }

  destroy(): void {
    if (this.isOver && this.unread.length === 0) return;
    this.isOver = true;
    this.emit('close');
  }

  take(count: number): Buffer {
    const taken = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    if (this.unread.length === 0 && this.#needsDrain) {
      this.#needsDrain = false;
      this.emit('drain');
    }
    return taken;
  }

  get writableLength(): number {
    return this.unread.length;
  }

  get writableNeedDrain(): boolean {
    return this.#needsDrain;
  }
}

interface Kind {
  /** The id of a block without data counts (WHATWG); the usual polyfill passes it over. */
  readonly takesBareIds: boolean;
  /** The id is kept between streams. By the letter of the standard, each begins with an empty one. */
  readonly keepsId: boolean;
  readonly asksBy: 'header' | 'query';
}

const KINDS: readonly Kind[] = [
  { takesBareIds: true, keepsId: true, asksBy: 'header' },
  { takesBareIds: true, keepsId: false, asksBy: 'header' },
  { takesBareIds: false, keepsId: true, asksBy: 'query' },
];

/** A reader that comes back with the last id, and objects to whatever it was neither given nor told of. */
class Reader {
  /** The last publication of each channel that it has got, or been told is missing. */
  readonly have = new Map<string, number>();
  readonly #kind: Kind;
  readonly #events: Events;
  #response: FakeResponse | null = null;
  #bytes = Buffer.alloc(0);
  #id = '';
  #idBuffer = '';

  constructor(kind: Kind, events: Events) {
    this.#kind = kind;
    this.#events = events;
  }

  connect(): void {
    if (this.#response) return;
    const { asksBy, keepsId } = this.#kind;
    const response = new FakeResponse();
    const byQuery = this.#id !== '' && asksBy === 'query';
    const query = CHANNELS.map((name) => `channel=${name}`).join('&');
    const request = {
      method: 'GET',
      url: `/sse?${query}${byQuery ? `&lastEventId=${encodeURIComponent(this.#id)}` : ''}`,
      headers: { host: 'localhost', ...(this.#id !== '' && !byQuery && { 'last-event-id': this.#id }) },
      rawHeaders: [],
      socket: {},
      resume() {},
    };
    this.#response = response;
    this.#bytes = Buffer.alloc(0);
    this.#idBuffer = keepsId ? this.#id : '';
    this.#events.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  }

  /** What is there and not taken. */
  get waiting(): string {
    return this.#response?.unread.toString('latin1') ?? '';
  }

  /** Takes so many bytes of what is there. */
  read(count = Number.POSITIVE_INFINITY): void {
    const response = this.#response;
    if (!response) return;
    this.#bytes = Buffer.concat([this.#bytes, response.take(Math.min(count, response.unread.length))]);
    for (let end = this.#bytes.indexOf('\n\n'); end >= 0; end = this.#bytes.indexOf('\n\n')) {
      const block = this.#bytes.subarray(0, end).toString();
      this.#bytes = this.#bytes.subarray(end + 2);
      this.#dispatch(block.split('\n'));
    }
    if (response.status !== 0) assert.equal(response.status, 200, 'the server takes the ids that it gave');
    if (response.isOver && response.unread.length === 0) this.#lose();
  }

  /** The line is cut at any byte. */
  cut(count = Number.POSITIVE_INFINITY): void {
    this.read(count);
    this.#lose();
  }

  #lose(): void {
    const response = this.#response;
    this.#response = null;
    response?.destroy();
  }

  #dispatch(lines: readonly string[]): void {
    let event = 'message';
    const data: string[] = [];
    for (const line of lines) {
      const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
      if (field === 'id') this.#idBuffer = value ?? '';
      else if (field === 'event') event = value ?? '';
      else if (field === 'data') data.push(value ?? '');
    }
    if (data.length > 0 || this.#kind.takesBareIds) this.#id = this.#idBuffer;
    if (data.length > 0) this.#take(event, JSON.parse(data.join('\n')));
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  #take(event: string, said: any): void {
    if (event === 'start' && this.have.size === 0)
      for (const [index, place] of this.#id.split(',').entries())
        this.have.set(CHANNELS[index]!, Number(place.split(':')[1]));
    const { channel } = said;
    const have = this.have.get(channel)!;
    if (event === 'message') {
      assert.equal(said.data.n, have + 1, `the next of ${channel}, neither an earlier nor a later one`);
      this.have.set(channel, have + 1);
    } else if (event === 'gap') {
      assert.equal(channel, 'short', 'there is a gap only where the history is short');
      assert.equal(said.have[1], have);
      assert.ok(said.oldest > have + 1, 'there is a gap indeed');
      this.have.set(channel, said.head);
    } else if (event === 'skip') {
      assert.ok(channel === 'dropped' || channel === 'newest');
      assert.equal(said.from, have + 1);
      this.have.set(channel, said.to);
    } else assert.equal(event, 'start');
  }
}

/** A hub with a broker that takes its time, what streams its events, and how much was published where. */
async function serveEvents() {
  let capricious!: Capricious;
  const { hub, errors } = await square({ channels: OPTIONS }, (broker) => {
    capricious = new Capricious(broker);
    return capricious.broker;
  });
  const events = new Events({
    hub,
    origins: new Origins('*'),
    most: 10_000,
    addressLimits: undefined,
    onRefused: (reason) => assert.fail(reason),
    addressOf: () => '127.0.0.1',
    report: (what, cause) => assert.fail(`${what}: ${cause}`),
    streams: new OpenStreams(),
  });
  const heads = Object.fromEntries(CHANNELS.map((name) => [name, 0])) as Record<Name, number>;
  const publish = (channel: Name, size = 0) => hub.publish(channel, { n: ++heads[channel], señor: 'x'.repeat(size) });
  return { capricious, events, heads, publish, errors };
}

/** Cut after each event, a byte before and behind that, and at every eleventh byte. */
function cuts(stream: string): number[] {
  const ends = [...stream.matchAll(/\n\n/g)].flatMap(({ index }) => [index + 1, index + 2, index + 3]);
  const others = Array.from({ length: Math.ceil(stream.length / 11) }, (_, n) => 11 * n);
  return [...new Set([...ends, ...others])];
}

for (const kind of KINDS)
  test(`wherever its first or second stream is cut, a reader gets the rest or is told of a gap: ${JSON.stringify(kind)}`, async () => {
    const { capricious, events, heads, publish } = await serveEvents();
    await capricious.calm();
    const publishAll = async () => {
      for (const name of CHANNELS) for (let n = 0; n < 4; n++) await publish(name);
      await capricious.calm();
    };
    const connectAll = async (readers: readonly Reader[]) => {
      for (const reader of readers) reader.connect();
      await settle();
    };
    await publishAll();
    const probe = new Reader(kind, events);
    await connectAll([probe]);
    await publishAll();
    const inFirst = cuts(probe.waiting).map((at) => ({ at, reader: new Reader(kind, events) }));
    probe.cut();
    await publishAll();
    await connectAll([probe]);
    const inSecond = cuts(probe.waiting).map((at) => ({ at, reader: new Reader(kind, events) }));
    probe.cut();

    const readers = [...inFirst, ...inSecond].map(({ reader }) => reader);
    await connectAll(readers);
    await publishAll();
    for (const { at, reader } of inFirst) reader.cut(at);
    for (const { reader } of inSecond) reader.cut();
    await publishAll();
    await connectAll(readers);
    for (const { at, reader } of inSecond) reader.cut(at);
    await connectAll(readers);
    const areThere = () => readers.every(({ have }) => CHANNELS.every((name) => have.get(name) === heads[name]));
    for (let round = 0; round < 500 && !areThere(); round++) {
      for (const reader of readers) reader.read();
      await settle();
    }
    for (const { have } of readers) assert.deepEqual(Object.fromEntries(have), heads);
  });

const step = fc.record({
  act: fc.constantFrom(
    ...(['publish', 'publish', 'publish', 'publish', 'big', 'burst', 'connect', 'connect'] as const),
    ...(['read', 'read', 'read', 'cut', 'cut', 'deliver', 'deliver', 'lose news'] as const),
    ...(['answer', 'answer all', 'answer all', 'answer all', 'settle'] as const),
  ),
  which: fc.nat(KINDS.length - 1),
  channel: fc.constantFrom(...CHANNELS),
  share: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
});

test('what an event stream of several channels delivers and reports as missing is complete, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), async (steps) => {
      const { capricious, events, heads, publish, errors } = await serveEvents();
      const readers = KINDS.map((kind) => new Reader(kind, events));
      for (const { act, which, channel, share } of steps) {
        const reader = readers[which]!;
        const count = Math.ceil(reader.waiting.length * share);
        if (act === 'publish') await publish(channel);
        else if (act === 'big') await publish(channel, BIG);
        else if (act === 'burst') for (let n = 0; n < 5; n++) await publish(channel);
        else if (act === 'connect') reader.connect();
        else if (act === 'read') reader.read(count);
        else if (act === 'cut') reader.cut(count);
        else if (act === 'deliver') capricious.deliver(which + 1);
        else if (act === 'lose news') capricious.lose(which + 1);
        else if (act === 'answer') capricious.answer();
        else if (act === 'answer all') await capricious.answerAll();
        else await settle();
      }
      // Everything works again: everybody must arrive at the same place.
      await capricious.calm();
      for (const name of CHANNELS) if (capricious.hasLost) await publish(name);
      await capricious.calm();
      const isThere = ({ have }: Reader) => CHANNELS.every((name) => have.get(name) === heads[name]);
      for (let round = 0; round <= 2 * steps.length && !readers.every(isThere); round++) {
        for (const reader of readers) {
          reader.connect();
          reader.read();
        }
        await capricious.calm();
      }
      for (const reader of readers) assert.deepEqual(Object.fromEntries(reader.have), heads);
      assert.deepEqual(errors, []);
    }),
    { numRuns: 100 },
  );
});
