import type { ServerResponse } from 'node:http';
import { after } from '../../../clock.ts';
import type { Connection } from '../../../hub/index.ts';
import {
  decodeFromServer,
  encodeMember,
  JsonText,
  mayRetry,
  memberText,
  type Position,
  type ServerMessage,
  type Subscribed,
} from '../../../protocol/index.ts';
import type { StreamFanOut, StreamWire } from '../index.ts';
import { eventId } from './event-id.ts';

/** Bytes that wait for a reader above which it is slow, and goes back to the log. */
const QUEUE = 256 * 1024;
/** Bytes that the hub may add in one go: a page of the log, its last publication, answers. Over both: cut off. */
const ONE_GO = 512 * 1024;
/** Publications that are sent before the reader's socket has taken them. */
const CREDIT = 256;
/** Milliseconds after which a reader comes back that was cut off, at a moment of chance from here to twice that. */
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

/** One channel of a stream. */
interface Place {
  readonly channel: string;
  number: number;
  /**
   * What the reader has of this channel: what it came with, or else where the subscription begins. It moves with a
   * publication, a `skip` or a `gap` alone, so that no id says more than the reader has been sent.
   */
  at: Position | undefined;
  /** The log does not reach what the reader came with (it was restored from a backup, say), which is told as a gap. */
  isAhead: boolean;
  /** Publications since the last `more`; NaN when credit no longer counts. */
  taken: number;
  isOver: boolean;
}

/**
 * One reader of Server-Sent Events: to the hub, another client of `zocalo.1`, for which this says `hi`, `sub` and
 * `more`, and whose lines it writes as events. So rights, positions, gaps and slow readers are the hub's alone.
 */
export class EventStream implements StreamWire {
  readonly #response: ServerResponse;
  readonly #fanOut: StreamFanOut;
  readonly #options: StreamOptions;
  readonly #answerInstead: (code: string, message: string, retryAfter: number | undefined) => void;
  readonly #places: readonly Place[];
  #connection: Connection | null = null;
  /**
   * Subscriptions that are not answered yet. Until then the status is open and not every place is known, without which
   * there is no id; so what comes meanwhile is kept as it came.
   */
  #unanswered: number;
  #early: ServerMessage<JsonText>[] = [];
  #earlySize = 0;
  #phase: 'opening' | 'open' | 'over' = 'opening';
  #isSlow = false;
  #onDrained: (() => void)[] = [];

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
    this.#places = options.channels.map((channel, index) => ({
      channel,
      number: -1,
      at: options.since?.[index],
      isAhead: false,
      taken: 0,
      isOver: false,
    }));
  }

  /** Says to the hub what the request asks for. `connection` is the hub's, with this as its wire. */
  start(connection: Connection): void {
    this.#connection = connection;
    const { token } = this.#options;
    this.#response.on('drain', () => this.#drain());
    this.#response.on('close', () => {
      this.#phase = 'over';
      connection.lost();
      this.#drain();
    });
    const lines = this.#places.map((place) => this.#subscribeTo(place));
    connection.receive([JSON.stringify(['hi', 1, { token }]), ...lines].join('\n'));
  }

  #subscribeTo(place: Place): string {
    const { recent, presence } = this.#options;
    const { at, isAhead, channel } = place;
    const from = isAhead ? {} : at ? { at } : { recent };
    const id = FIRST_ID + this.#places.indexOf(place);
    return JSON.stringify(['sub', id, channel, { credit: CREDIT, ...from, ...(presence && { presence }) }]);
  }

  // ——— the hub's way out

  send(text: string): boolean {
    this.deliver(text);
    // Before it is open nothing is taken, and the answer to the last subscription must not wait for that.
    return this.#phase === 'opening' || (this.#phase === 'open' && !this.#response.writableNeedDrain);
  }

  deliver(text: string): void {
    if (this.#phase === 'over') return;
    const messages = decoded(text);
    if (this.#phase === 'opening') this.#earlySize += text.length;
    for (const message of messages) {
      if (this.#phase === 'opening') this.#await(message);
      else this.#take(message);
    }
    const waiting = this.#response.writableLength + this.#earlySize;
    if (waiting <= QUEUE) return;
    if (waiting > QUEUE + ONE_GO) this.#response.destroy();
    else this.#slow();
  }

  drained(): Promise<void> {
    if (this.#phase === 'over' || (this.#phase === 'open' && !this.#response.writableNeedDrain))
      return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  subscribe(topic: string): void {
    this.#fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#fanOut.unsubscribe(topic, this);
  }

  close(_code: number, reason: string): void {
    if (this.#phase === 'opening') {
      const [, code, message] = /^(\w+): (.*)$/s.exec(reason) ?? [];
      this.refuse(code ?? 'INTERNAL', message ?? reason, undefined);
    } else if (this.#phase === 'open') {
      this.#phase = 'over';
      this.#response.end();
    }
  }

  #drain(): void {
    for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  /** Not from within the hub's own loop over the readers: what it then does for this one would come between. */
  #slow(): void {
    if (this.#isSlow) return;
    this.#isSlow = true;
    queueMicrotask(() => {
      this.#isSlow = false;
      this.#connection?.slow();
    });
  }

  // ——— before the stream is open

  #await(message: ServerMessage<JsonText>): void {
    if (this.#phase === 'over') return;
    const [verb] = message;
    if (verb === 'err') this.#refused(message[1], message[2], message[3], message[4] ?? undefined);
    else if (verb === 'end') this.refuse(message[2], message[3] ?? '', undefined);
    else if (verb === 'bye') this.refuse(message[1], 'the connection ended', message[2].after);
    else this.#early.push(message);
    if (verb === 'ok' && this.#placeOf(message[1])) this.#answered(this.#placeOf(message[1])!, message[2].value);
  }

  #refused(id: number, code: string, message: string, retryAfter: number | undefined): void {
    const place = this.#placeOf(id);
    if (code === 'BAD_POSITION' && place && !place.isAhead) {
      // A status would end a browser's EventSource for good, which knows no other place to ask from.
      place.isAhead = true;
      this.#connection?.receive(this.#subscribeTo(place));
    } else if (code === 'RATE_LIMITED' && place && retryAfter !== undefined) {
      // Many channels are many lines at once: each that was refused has a turn of its own.
      after(retryAfter, () => this.#connection?.receive(this.#subscribeTo(place)));
    } else this.refuse(code, message, retryAfter);
  }

  #answered(place: Place, result: unknown): void {
    const { ch, epoch, offset } = result as Required<Subscribed>;
    place.number = ch;
    if (place.isAhead) this.#early.push(['gap', ch, { have: place.at!, oldest: offset + 1, head: offset, epoch }]);
    place.at ??= [epoch, offset];
    if (--this.#unanswered === 0) this.#open();
  }

  /**
   * Everything was allowed: from here on it is a stream. An id comes first, so that whoever is cut off has a place, and
   * as an event with data, since the usual polyfill takes no id without.
   */
  #open(): void {
    this.#phase = 'open';
    this.#response.writeHead(200, STREAM_HEADERS);
    this.#write(`retry: ${pause(RETRY)}\n`);
    this.#event('start', { channels: this.#options.channels });
    for (const message of this.#early.splice(0)) this.#take(message);
    this.#earlySize = 0;
    if (!this.#response.writableNeedDrain) this.#drain();
  }

  // ——— lines into events

  #take(message: ServerMessage<JsonText>): void {
    if (this.#phase === 'over') return;
    switch (message[0]) {
      case 'ok': {
        const { text, value } = message[2];
        const place = this.#placeOf(message[1]);
        const members = memberText(text, 'members');
        const { count } = (value ?? {}) as Subscribed;
        if (place && members !== undefined)
          this.#event('presence', joined({ channel: place.channel }, `{"members":${members}}`));
        else if (place && count !== undefined) this.#event('presence', { channel: place.channel, count });
        break;
      }
      case 'm': {
        const [, number, offset, data, meta] = message;
        const place = this.#place(number);
        if (offset > 0) this.#move(place, offset);
        this.#event(
          '',
          this.#options.meta ? joined({ channel: place.channel }, `{"data":${data.text}}`, meta ?? {}) : data,
        );
        this.#count(place);
        break;
      }
      case 'skip': {
        const place = this.#place(message[1]);
        const from = place.at![1] + 1;
        this.#move(place, message[2]);
        this.#event('skip', { channel: place.channel, from, to: message[2] });
        break;
      }
      case 'live':
        this.#place(message[1]).taken = Number.NaN;
        break;
      case 'gap': {
        const { have, oldest, head, epoch } = message[2];
        const place = this.#place(message[1]);
        place.at = [epoch, head];
        this.#event('gap', { channel: place.channel, have, oldest, head, epoch });
        break;
      }
      case '+':
        this.#event(
          'join',
          joined({ channel: this.#place(message[1]).channel }, encodeMember(message[2].id, message[2].data?.text)),
        );
        break;
      case '-':
        this.#event('leave', { channel: this.#place(message[1]).channel, id: message[2] });
        break;
      case 'n':
        this.#event('presence', { channel: this.#place(message[1]).channel, count: message[2] });
        break;
      case 'to':
        this.#event('to', message[1]);
        break;
      case 'end':
        this.#end(message[1], message[2], message[3]);
        break;
      case 'bye':
        this.#farewell('bye', { code: message[1] }, message[2].after);
        break;
      case undefined:
        this.#write(':\n\n'); // the hub's ping: a comment, so that nothing between takes the line for dead
    }
  }

  /** What will pass is told by a stream that ends: a browser's EventSource gives up for ever at any other status. */
  refuse(code: string, message: string, retryAfter: number | undefined): void {
    this.#phase = 'over';
    if (mayRetry(code)) {
      this.#response.writeHead(200, STREAM_HEADERS);
      const data = JSON.stringify({ code, message });
      // The id that it came with comes back, for readers that begin each stream without one, as the standard has it.
      const id = this.#options.since ? `id: ${this.#id}\n` : '';
      this.#response.end(`retry: ${pause(retryAfter ?? RETRY)}\nevent: bye\n${id}data: ${data}\n\n`);
    } else this.#answerInstead(code, message, retryAfter);
  }

  /** A subscription is over. One that may be had again is asked for again by the reader's coming back. */
  #end(channel: string, code: string, message = ''): void {
    const place = this.#places.find((place) => place.channel === channel);
    if (place) place.isOver = true;
    const isLast = mayRetry(code) || this.#places.every(({ isOver }) => isOver);
    if (isLast) this.#farewell('end', { channel, code, message }, RETRY);
    else this.#event('end', { channel, code, message });
  }

  #farewell(event: string, data: object, after: number | undefined): void {
    if (after !== undefined) this.#write(`retry: ${pause(after)}\n`);
    this.#event(event, data);
    this.#phase = 'over';
    this.#response.end();
  }

  #event(name: string, data: object): void {
    const event = name === '' ? '' : `event: ${name}\n`;
    this.#write(`${event}id: ${this.#id}\ndata: ${JsonText.of(data).text}\n\n`);
  }

  #write(text: string): void {
    if (this.#phase === 'open') this.#response.write(text);
  }

  /** Gives the hub credit for more, as soon as the socket has taken what there is. */
  #count(place: Place): void {
    place.taken++;
    if (!(place.taken >= CREDIT / 2)) return; // nor when it is NaN
    const { taken, number } = place;
    place.taken = 0;
    void this.drained().then(() => {
      if (this.#phase === 'open') this.#connection?.receive(JSON.stringify(['more', number, taken]));
    });
  }

  #place(number: number): Place {
    return this.#places.find((place) => place.number === number)!;
  }

  #placeOf(id: number): Place | undefined {
    return this.#places[id - FIRST_ID];
  }

  #move(place: Place, offset: number): void {
    place.at = [place.at![0], offset];
  }

  /** Every place is known once the stream is open. */
  get #id(): string {
    return eventId(this.#places.map(({ at }) => at!));
  }
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no', // nginx would keep events until it has a few kilobytes of them
};

/** One object with the members of several, of which some are JSON already. */
function joined(...objects: readonly (object | string)[]): JsonText {
  const members = objects.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)).slice(1, -1));
  return JsonText.written(`{${members.filter((text) => text !== '').join()}}`);
}

/** Not all at the same moment. */
function pause(milliseconds: number): number {
  return Math.round(milliseconds * (1 + Math.random()));
}

/** The text that goes to many is read once for all of them. */
let last: { readonly text: string; readonly messages: readonly ServerMessage<JsonText>[] } = { text: '', messages: [] };

function decoded(text: string): readonly ServerMessage<JsonText>[] {
  if (last.text !== text)
    last = { text, messages: decodeFromServer(text).flatMap(({ message }) => (message ? [message] : [])) };
  return last.messages;
}
