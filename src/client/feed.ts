import type { Gap, Meta, Position, Subscribed } from '../protocol/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import { type Cursor, type CursorFeed, PAGE } from './cursor.ts';
import { encodeParts } from './json.ts';
import type { PresenceEvent } from './messages.ts';
import type { Outbox, OutboxSettings } from './outbox.ts';
import { isPassing } from './retry.ts';
import { CLOSED, type Session } from './session.ts';

/**
 * `waiting` for a connection or the end of a pause; `subscribing` until the server answers; `catchingUp` on what was
 * missed, or on what a loop was too slow for; `live`.
 */
export type FeedState = 'waiting' | 'subscribing' | 'catchingUp' | 'live' | 'ended';

export const FEED_TRANSITIONS: Readonly<Record<FeedState, readonly FeedState[]>> = {
  waiting: ['subscribing', 'ended'],
  subscribing: ['catchingUp', 'live', 'waiting', 'ended'],
  catchingUp: ['live', 'waiting', 'ended'],
  live: ['catchingUp', 'waiting', 'ended'],
  ended: [],
};

/** What a feed needs of its client. */
export interface FeedContext {
  readonly settings: OutboxSettings;
  readonly session: Session;
  readonly outbox: Outbox;
  /** By channel or pattern. */
  readonly feeds: Map<string, Feed>;
  /** By the server's number of the channel. */
  readonly numbers: Map<number, Feed>;
  extras?: FeedExtras | undefined;
  /** Loads what a plain page does not need. */
  load(): Promise<{ catchUp(cursor: Cursor, feed: CursorFeed): void }>;
}

/** What a feed needs of patterns and members. */
interface FeedExtras {
  readonly people: {
    asking(feed: Feed): void;
    accepted(feed: Feed, result: Subscribed): void;
    changed(feed: Feed): void;
    end(feed: Feed, error: Error): void;
  };
  introduce(number: number, position: Position, channel: string): void;
}

/** Events that a feed passes on to its readers. */
type FeedNews = 'subscribed' | 'gap' | 'skip' | 'presence';

/** A subscription, as its feed sees it. */
export interface Reader {
  /** The cursors of the subscription. */
  readonly cursors: ReadonlySet<Cursor>;
  /** How many of the newest messages it wants first. */
  readonly recent: number;
  /** What it wants besides messages, as JSON without the braces: `"presence":true,"member":{"name":"Ana"}`. */
  wishes: string;
  /** The server has accepted its wishes. */
  isAccepted?: boolean;
  emit(name: FeedNews, event: never): void;
  onState(): void;
  /** It ended; without an error: on purpose. */
  onEnd(error?: Error): void;
}

/**
 * The shared source of all subscriptions to a channel: it subscribes after each login, from the last position, and
 * passes on what arrives. It does not wait for a slow cursor while another one has room.
 */
export class Feed {
  readonly channel: string;
  readonly context: FeedContext;
  readonly readers = new Set<Reader>();
  /** Another object after each change, and only then. */
  presence: PresenceEvent = { members: new Map(), count: 0 };
  readonly isPattern: boolean;
  /** It needs what is loaded later. */
  isSpecial = false;
  /** The first data, of the last answer. */
  data: unknown;
  #state: FeedState = 'waiting';
  #position: Position | undefined;
  #number: number | undefined;
  /** Whether the current request has a position. */
  #resumes = false;
  /** How many of the newest messages the current request asks for. */
  #recent = 0;
  /** The end of the log at the last answer. */
  #head = 0;
  /** For a pattern: whether the server has accepted it before. */
  #hasBegun = false;
  /** Publications since the last credit. */
  #taken = 0;
  #failures = 0;
  #attempt = 0;
  #cancelRetry = () => {};

  /** `since`: where it begins, if that is known. */
  constructor(context: FeedContext, channel: string, since: Position | undefined) {
    this.context = context;
    this.channel = channel;
    this.isPattern = channel.includes('*');
    if (!this.isPattern) this.#position = since;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Of the last publication received, by any cursor. */
  get position(): Position | undefined {
    return this.#position;
  }

  add(reader: Reader, since: Position | undefined): void {
    this.readers.add(reader);
    if (!this.isPattern) this.#begin(reader, since);
    if (this.#state === 'live') for (const cursor of reader.cursors) cursor.onLive();
    this.#settle();
  }

  remove(reader: Reader): void {
    if (!this.readers.delete(reader)) return;
    if (this.readers.size === 0) this.#cancelRetry();
    this.#settle();
  }

  /** At the end of the tick, so that nobody sees a member who leaves and comes back within it. */
  #settle(): void {
    queueMicrotask(() => {
      if (this.readers.size > 0) this.context.extras?.people.changed(this);
      else {
        // Ignore the reply; what arrives until then has no feed here, and is skipped.
        if (this.#state !== 'waiting' && this.#state !== 'ended')
          this.context.session.ask('un', encodeParts(this.channel), { ok() {}, err() {} });
        this.end();
      }
    });
  }

  /** Each reader begins where it wants to, if that is known; otherwise at the answer of the server. */
  #begin({ cursors, recent }: Reader, since?: Position, least = 0): void {
    const [epoch, offset] = this.#position ?? [];
    const head = this.#state === 'live' ? offset! : this.#head;
    if (!since && this.#number)
      for (const cursor of cursors) cursor.begin([epoch!, Math.max(head - recent, least)], head);
    else for (const cursor of cursors) cursor.begin(since);
  }

  get cursors(): Cursor[] {
    return [...this.readers].flatMap(({ cursors }) => [...cursors]);
  }

  /** There is a connection that is logged in; a pattern also needs the loaded module. */
  start(): void {
    if (this.#state === 'waiting' && (!this.isSpecial || this.context.extras)) this.#ask();
  }

  /** The connection is gone. */
  suspend(): void {
    this.#forgetNumber();
    if (this.#state !== 'ended') this.#become('waiting');
  }

  /**
   * Lets the server send as many more as were taken, if a cursor has room. The server counts them only while catching
   * up.
   */
  credit(): void {
    if (this.#state !== 'catchingUp' || this.#taken < PAGE / 2) return;
    if (!this.cursors.some(({ hasRoom }) => hasRoom)) return;
    this.context.session.send({ line: `["more",${this.#number},${this.#taken}]` });
    this.#taken = 0;
  }

  onMessage(offset: number, data: unknown, meta: Meta | undefined): void {
    const here = this.#position;
    // Duplicates are skipped. Each cursor checks for itself whether something is missing before it.
    if (!here || (offset && offset <= here[1])) return;
    const position: Position = [here[0], offset];
    if (offset) {
      this.#taken += 1;
      this.#position = position;
    }
    const message = this.context.outbox.toMessage(this.channel, position, data, meta);
    for (const cursor of this.cursors) cursor.receive(message, message.position);
    this.credit();
  }

  /** For a pattern: something was lost or left out. For a channel: who is present. For both: the first data. */
  tell(name: FeedNews, event: unknown): void {
    for (const reader of [...this.readers]) reader.emit(name, event as never);
  }

  /** A skip covers everything up to there, so nothing can be missing before it. */
  onSkip(to: number): void {
    const [epoch, offset] = this.#position!;
    if (to <= offset) return;
    this.#position = [epoch, to];
    for (const { cursors, emit } of [...this.readers]) {
      const isNews = [...cursors].map((cursor) => cursor.skip(offset + 1, [epoch, to])).includes(true);
      if (isNews) emit('skip', { channel: this.channel, from: offset + 1, to } as never);
    }
  }

  onGap(gap: Gap): void {
    this.#position = [gap.epoch, gap.head];
    for (const cursor of this.cursors) cursor.onGap(gap);
  }

  onLive(offset: number): void {
    const [epoch, have] = this.#position!;
    // Something was lost on the way; the cursors will fetch it from the log.
    if (offset > have) this.#position = [epoch, offset];
    this.#failures = 0;
    for (const cursor of this.cursors) cursor.onLive();
    if (this.#state === 'catchingUp') this.#become('live');
  }

  /** The server ended the subscription, or refused it. */
  onRefused(error: ProtocolError): void {
    const { session } = this.context;
    const { code } = error;
    this.#forgetNumber();
    this.#failures += 1;
    if (code === 'BAD_POSITION' && this.#resumes) {
      // The log is older than what we had of it, as after a restored backup: start again, and report what is lost.
      this.#position = undefined;
      this.#become('waiting');
      this.#ask();
    } else if (isPassing(error)) {
      this.#become('waiting');
      this.#cancelRetry = session.retry(error, this.#failures - 1, () => session.state === 'open' && this.start());
    } else this.end(error);
  }

  end(error?: Error): void {
    if (this.#state === 'ended') return;
    this.#forgetNumber();
    this.#become('ended');
    this.context.feeds.delete(this.channel);
    this.context.extras?.people.end(this, error ?? CLOSED);
    for (const reader of [...this.readers]) reader.onEnd(error);
    this.readers.clear();
  }

  #ask(): void {
    this.#cancelRetry();
    const at = this.#position;
    this.#resumes = at !== undefined;
    this.#taken = 0;
    const attempt = ++this.#attempt;
    const recent = Math.max(...[...this.readers].map(({ recent }) => recent));
    this.#recent = at ? 0 : recent;
    const options = this.isPattern ? {} : { credit: PAGE, at, recent: this.#recent || undefined };
    // Of several members of an object that have one name, the last counts: the newest wish.
    const wishes = [...this.readers].flatMap(({ wishes }) => wishes || []);
    this.context.extras?.people.asking(this);
    this.context.session.ask('sub', `${[encodeParts(this.channel, options).slice(0, -2), ...wishes]}}]`, {
      ok: (result) => {
        const subscribed = (result ?? {}) as Subscribed;
        const { ch, epoch, offset, data } = subscribed;
        if (attempt === this.#attempt) {
          this.data = data;
          this.#accepted(subscribed);
          this.tell('subscribed', data);
        }
        if (epoch) this.context.extras?.introduce(ch!, [epoch, offset!], this.channel);
      },
      err: (error) => attempt === this.#attempt && this.onRefused(error),
      lost() {},
    });
    // Now, since a listener may unsubscribe: then `un` is sent after `sub`.
    this.#become('subscribing');
  }

  #accepted(result: Subscribed): void {
    if (this.isPattern) {
      this.#failures = 0;
      this.#become('live');
      if (this.#hasBegun) this.tell('gap', { channel: this.channel });
      this.#hasBegun = true;
      return;
    }
    const { ch, epoch, offset, head = offset } = result;
    if (!epoch || !ch || offset === undefined) {
      this.end(new ProtocolError('BAD_MESSAGE', 'no position'));
      return;
    }
    this.#number = ch;
    this.context.numbers.set(ch, this);
    this.#head = head!;
    if (!this.#resumes) this.#position = [epoch, offset];
    this.#become('catchingUp');
    // What the request asked for comes from there on: the log may have less.
    for (const reader of this.readers) this.#begin(reader, undefined, reader.recent > this.#recent ? 0 : offset);
    this.context.extras?.people.accepted(this, result);
  }

  #forgetNumber(): void {
    this.#cancelRetry();
    this.#attempt += 1;
    this.context.numbers.delete(this.#number!);
    this.#number = undefined;
  }

  #become(state: FeedState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const reader of [...this.readers]) reader.onState();
  }
}
