import type { Gap, Meta, Position, Subscribed } from '../protocol/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import { type Cursor, PAGE } from './cursor.ts';
import { encodeParts } from './json.ts';
import type { PatternGapEvent, PresenceEvent, SkipEvent } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { type PresenceLine, PresenceList } from './presence.ts';
import { isPassing } from './retry.ts';
import type { Session } from './session.ts';

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
  readonly session: Session;
  readonly outbox: Outbox;
  /** By channel or pattern. */
  readonly feeds: Map<string, Feed>;
  /** By the server's number of the channel. */
  readonly numbers: Map<number, Feed>;
  patterns?: { introduce(number: number, position: Position, channel: string): void } | undefined;
}

export interface FeedWishes {
  recent?: number;
  presence?: boolean;
  member?: unknown;
}

/** A subscription, as its feed sees it. */
export interface Reader {
  /** The cursors of the subscription. */
  readonly cursors: ReadonlySet<Cursor>;
  emit(name: 'gap' | 'skip' | 'presence', event: never): void;
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
  readonly presence = new PresenceList();
  readonly isPattern: boolean;
  /** The options of `sub`, as JSON without the opening brace. */
  readonly #wishes: string;
  #state: FeedState = 'waiting';
  #position: Position | undefined;
  #number: number | undefined;
  /** Whether the current request has a position. */
  #resumes = false;
  /** For a pattern: whether the server has accepted it before. */
  #hasBegun = false;
  /** Publications since the last credit. */
  #taken = 0;
  #failures = 0;
  #attempt = 0;
  #cancelRetry = () => {};

  /** @throws TypeError when the options cannot be represented as JSON. */
  constructor(context: FeedContext, channel: string, wishes: FeedWishes) {
    this.context = context;
    this.channel = channel;
    this.isPattern = channel.includes('*');
    this.#wishes = encodeParts(this.isPattern ? {} : { credit: PAGE, ...wishes }).slice(1);
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Of the last publication received, by any cursor. */
  get position(): Position | undefined {
    return this.#position;
  }

  add(reader: Reader, since: Position | undefined): void {
    if (this.readers.size === 0 && !this.isPattern) this.#position = since;
    this.readers.add(reader);
    for (const cursor of reader.cursors) {
      if (!this.isPattern) cursor.begin(since);
      if (this.#state === 'live') cursor.onLive();
    }
  }

  remove(reader: Reader): void {
    if (!this.readers.delete(reader) || this.readers.size > 0) return;
    // Ignore the reply; what arrives until then has no feed here, and is skipped.
    if (this.#state !== 'waiting') this.context.session.ask('un', encodeParts(this.channel), { ok() {}, err() {} });
    this.end();
  }

  get cursors(): Cursor[] {
    return [...this.readers].flatMap(({ cursors }) => [...cursors]);
  }

  /** There is a connection that is logged in; a pattern also needs the loaded module. */
  start(): void {
    if (this.#state === 'waiting' && (!this.isPattern || this.context.patterns)) this.#ask();
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

  /** For a pattern: something was lost or left out. For a channel: who is present. */
  tell(name: 'gap' | 'skip' | 'presence', event: PatternGapEvent | SkipEvent | PresenceEvent): void {
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

  onPresence(line: PresenceLine): void {
    const event = this.presence.take(line);
    if (event) this.tell('presence', event);
  }

  /** The server ended the subscription, or refused it. */
  onRefused(error: ProtocolError): void {
    const { session } = this.context;
    const { code } = error;
    this.#forgetNumber();
    if (code === 'CONNECTION_LOST') return;
    this.#failures += 1;
    if (code === 'BAD_POSITION' && this.#resumes) {
      // The log is older than what we had of it, as after a restored backup: start again, and report what is lost.
      this.#position = undefined;
      this.#become('waiting');
      this.#ask();
    } else if (isPassing(error)) {
      this.#become('waiting');
      this.#cancelRetry = session.retry(error, this.#failures - 1, () => this.#askIfOpen());
    } else this.end(error);
  }

  end(error?: Error): void {
    if (this.#state === 'ended') return;
    this.#forgetNumber();
    this.#become('ended');
    this.context.feeds.delete(this.channel);
    for (const reader of [...this.readers]) reader.onEnd(error);
    this.readers.clear();
  }

  #askIfOpen(): void {
    if (this.context.session.state === 'open') this.start();
  }

  #ask(): void {
    this.#cancelRetry();
    const at = this.#position;
    this.#resumes = at !== undefined;
    this.#taken = 0;
    const attempt = ++this.#attempt;
    const options = `{${at ? `"at":${JSON.stringify(at)},` : ''}${this.#wishes}`;
    this.context.session.ask('sub', `${JSON.stringify(this.channel)},${options}`, {
      ok: (result) => {
        const subscribed = (result ?? {}) as Subscribed;
        if (attempt === this.#attempt) this.#accepted(subscribed);
        const { ch, epoch, offset } = subscribed;
        if (epoch) this.context.patterns?.introduce(ch!, [epoch, offset!], this.channel);
      },
      err: (error) => attempt === this.#attempt && this.onRefused(error),
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
    const { ch, epoch, offset } = result;
    if (!epoch || !ch || offset === undefined) {
      this.end(new ProtocolError('BAD_MESSAGE', 'no position'));
      return;
    }
    this.#number = ch;
    this.context.numbers.set(ch, this);
    this.#become('catchingUp');
    if (!this.#resumes) {
      this.#position = [epoch, offset];
      for (const cursor of this.cursors) cursor.begin(this.#position);
    }
    if (result.members || result.count !== undefined) this.tell('presence', this.presence.reset(result));
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
