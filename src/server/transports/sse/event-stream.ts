import type { ServerResponse } from 'node:http';
import { after } from '../../../clock.ts';
import type { CloseReason, Connection, HubMessage, Outgoing } from '../../../hub/index.ts';
import { JsonText, mayRetry, type Position, type Subscribed } from '../../../protocol/index.ts';
import { ReaderPace, type StreamFanOut, type StreamWire } from '../index.ts';
import { EventWriter, type Place } from './event-writer.ts';

/** Bytes that wait for a reader above which it is slow, and goes back to the log. */
const QUEUE = 256 * 1024;
/** Bytes that the hub may add at once: a page of the log, its last publication, answers. Over both: cut off. */
const ONE_GO = 512 * 1024;
/** Publications that are sent before the reader's socket has taken them. */
const CREDIT = 256;
/** Milliseconds after which a reader that was cut off reconnects: a random time from this to twice as long. */
const RETRY = 1_000;
/** The number of the request that subscribes to the first channel. */
const FIRST_ID = 2;

/** What an event stream is asked for. */
export interface StreamOptions {
  /** In the order of their names, in which their positions stand in the events' ids. */
  readonly channels: readonly string[];
  readonly token?: string | undefined;
  /** The last positions seen, one for each channel. */
  readonly since?: readonly Position[] | undefined;
  readonly recent?: number | undefined;
  readonly presence?: boolean | undefined;
  /** Data comes with its channel, its publisher and its time. */
  readonly meta: boolean;
}

/** The subscription to one channel of a stream. */
interface Subscription extends Place {
  /** The log does not reach what the reader came with (it was restored from a backup, say), which is told as a gap. */
  isAhead: boolean;
  /** Publications since the last `more`; NaN when credit no longer counts. */
  taken: number;
  isOver: boolean;
}

/**
 * One reader of Server-Sent Events: to the hub, another client of `zocalo.1`, for which this asks `hi`, `sub` and
 * `more`, and whose messages it writes as events. So rights, positions, gaps and slow readers are the hub's alone.
 */
export class EventStream implements StreamWire {
  readonly #response: ServerResponse;
  readonly #pace = new ReaderPace();
  readonly #fanOut: StreamFanOut;
  readonly #options: StreamOptions;
  readonly #answerInstead: (code: string, message: string, retryAfter: number | undefined) => void;
  readonly #subscriptions: readonly Subscription[];
  readonly #events: EventWriter;
  #connection: Connection | null = null;
  /**
   * Subscriptions that are not answered yet. Until then the status is undecided, and so is the position in some channel,
   * without which there is no id; what comes meanwhile is kept as it came.
   */
  #unanswered: number;
  #early: HubMessage[] = [];
  #earlySize = 0;
  #phase: 'opening' | 'open' | 'over' = 'opening';

  /** `refuse` answers instead of a stream. */
  constructor(
    response: ServerResponse,
    fanOut: StreamFanOut,
    options: StreamOptions,
    refuse: (code: string, message: string, retryAfter: number | undefined) => void,
  ) {
    this.#response = response;
    this.#fanOut = fanOut;
    this.#options = options;
    this.#answerInstead = refuse;
    this.#unanswered = options.channels.length;
    this.#subscriptions = options.channels.map((channel, index) => ({
      channel,
      number: -1,
      at: options.since?.[index],
      isAhead: false,
      taken: 0,
      isOver: false,
    }));
    this.#events = new EventWriter(this.#subscriptions, options.meta);
  }

  /** Asks the hub for what the request asks for. `connection` is the hub's, with this as its wire. */
  start(connection: Connection): void {
    this.#connection = connection;
    const { token } = this.#options;
    this.#response.on('drain', () => this.#pace.drain());
    this.#response.on('close', () => {
      this.#phase = 'over';
      connection.lost();
      this.#pace.drain();
    });
    connection.ask(['hi', 1, token === undefined ? {} : { token }]);
    for (const subscription of this.#subscriptions) this.#subscribe(subscription);
  }

  #subscribe(subscription: Subscription): void {
    const { recent, presence = false } = this.#options;
    const { at, isAhead, channel } = subscription;
    const from = isAhead ? {} : at ? { at } : recent === undefined ? {} : { recent };
    const id = FIRST_ID + this.#subscriptions.indexOf(subscription);
    this.#connection?.ask(['sub', id, channel, { credit: CREDIT, presence, ...from }]);
  }

  // ——— the hub's way out

  send(outgoing: Outgoing): boolean {
    this.deliver(outgoing);
    // Before it is open nothing is taken, and the answer to the last subscription must not wait for that.
    return this.#phase === 'opening' || (this.#phase === 'open' && !this.#response.writableNeedDrain);
  }

  deliver(outgoing: Outgoing): void {
    if (this.#phase === 'opening') this.#earlySize += outgoing.text.length;
    for (const message of outgoing.messages) {
      if (this.#phase === 'opening') this.#await(message);
      else this.#take(message);
    }
    if (this.#phase === 'over') return;
    const waiting = this.#response.writableLength + this.#earlySize;
    if (waiting <= QUEUE) return;
    if (waiting > QUEUE + ONE_GO) this.#response.destroy();
    else this.#pace.slow(() => this.#connection?.slow());
  }

  drained(): Promise<void> {
    if (this.#phase === 'over' || (this.#phase === 'open' && !this.#response.writableNeedDrain))
      return Promise.resolve();
    return this.#pace.drained();
  }

  subscribe(topic: string): void {
    this.#fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#fanOut.unsubscribe(topic, this);
  }

  close({ code, message, after }: CloseReason): void {
    if (this.#phase === 'opening') this.refuse(code, message, after);
    else if (this.#phase === 'open') this.#farewell('bye', { code }, after);
  }

  // ——— before the stream is open

  #await(message: HubMessage): void {
    const [verb] = message;
    if (verb === 'err') this.#refused(message[1], message[2], message[3], message[4] ?? undefined);
    else if (verb === 'end') this.refuse(message[2], message[3] ?? '', undefined);
    else this.#early.push(message);
    if (verb === 'ok' && !(message[2] instanceof JsonText)) this.#answered(message[1], message[2]);
  }

  #refused(id: number, code: string, message: string, retryAfter: number | undefined): void {
    const subscription = this.#subscriptions[id - FIRST_ID];
    if (code === 'BAD_POSITION' && subscription && !subscription.isAhead) {
      // A status would end a browser's EventSource for good, which knows no other place to ask from.
      subscription.isAhead = true;
      this.#subscribe(subscription);
    } else if (code === 'RATE_LIMITED' && subscription && retryAfter !== undefined) {
      // Many channels are many requests at once: each that was refused has a turn of its own.
      after(retryAfter, () => this.#subscribe(subscription));
    } else this.refuse(code, message, retryAfter);
  }

  #answered(id: number, result: Subscribed<JsonText, JsonText>): void {
    const subscription = this.#subscriptions[id - FIRST_ID]!;
    const { ch, epoch, offset } = result as Required<Subscribed<JsonText, JsonText>>;
    subscription.number = ch;
    const { at: have, isAhead } = subscription;
    if (have && isAhead) this.#early.push(['gap', ch, { have, oldest: offset + 1, head: offset, epoch }]);
    subscription.at ??= [epoch, offset];
    if (--this.#unanswered === 0) this.#open();
  }

  /**
   * Everything was allowed: from here on it is a stream. An id comes first, so that a reader that is cut off can come
   * back with it, and as an event with data, since the usual polyfill takes no id without.
   */
  #open(): void {
    this.#phase = 'open';
    this.#response.writeHead(200, STREAM_HEADERS);
    this.#write(`retry: ${pause(RETRY)}\n`);
    this.#write(this.#events.event('start', { channels: this.#options.channels }));
    for (const message of this.#early.splice(0)) this.#take(message);
    this.#earlySize = 0;
    if (!this.#response.writableNeedDrain) this.#pace.drain();
  }

  // ——— the open stream, and its end

  #take(message: HubMessage): void {
    if (this.#phase !== 'open') return;
    if (message[0] === 'end') this.#end(message[1], message[2], message[3]);
    else this.#write(this.#events.write(message));
    if (message[0] === 'm') this.#count(this.#of(message[1]));
    else if (message[0] === 'live') this.#of(message[1]).taken = Number.NaN;
  }

  /** What will pass is told by a stream that ends: a browser's EventSource gives up for ever at any other status. */
  refuse(code: string, message: string, retryAfter: number | undefined): void {
    this.#phase = 'over';
    if (mayRetry(code)) {
      this.#response.writeHead(200, STREAM_HEADERS);
      const data = JSON.stringify({ code, message });
      // The id that it came with comes back, for readers that begin each stream without one, as the standard has it.
      const id = this.#options.since ? `id: ${this.#events.id}\n` : '';
      this.#response.end(`retry: ${pause(retryAfter ?? RETRY)}\nevent: bye\n${id}data: ${data}\n\n`);
    } else this.#answerInstead(code, message, retryAfter);
  }

  /** A subscription has ended. If it may be tried again, the reader's reconnecting does so. */
  #end(channel: string, code: string, message = ''): void {
    const all = this.#subscriptions;
    for (const subscription of all) if (subscription.channel === channel) subscription.isOver = true;
    const isLast = mayRetry(code) || all.every(({ isOver }) => isOver);
    if (isLast) this.#farewell('end', { channel, code, message }, RETRY);
    else this.#write(this.#events.event('end', { channel, code, message }));
  }

  #farewell(event: string, data: object, after: number | undefined): void {
    if (after !== undefined) this.#write(`retry: ${pause(after)}\n`);
    this.#write(this.#events.event(event, data));
    this.#phase = 'over';
    this.#response.end();
  }

  #write(text: string): void {
    if (this.#phase === 'open' && text !== '') this.#response.write(text);
  }

  /** Gives the hub credit for more, as soon as the socket has taken what there is. */
  #count(subscription: Subscription): void {
    subscription.taken++;
    if (!(subscription.taken >= CREDIT / 2)) return; // nor when it is NaN
    const { taken, number } = subscription;
    subscription.taken = 0;
    void this.drained().then(() => {
      if (this.#phase === 'open') this.#connection?.ask(['more', number, taken]);
    });
  }

  #of(number: number): Subscription {
    return this.#subscriptions.find((subscription) => subscription.number === number)!;
  }
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no', // nginx would keep events until it has a few kilobytes of them
};

/** Not all at the same moment. */
function pause(milliseconds: number): number {
  return Math.round(milliseconds * (1 + Math.random()));
}
