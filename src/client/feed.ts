import {
  encode,
  type Gap,
  type Member,
  type Meta,
  type Position,
  ProtocolError,
  type Subscribed,
} from '../protocol/index.ts';
import { type Message, type PatternGapEvent, type PresenceEvent, type SkipEvent, toMessage } from './messages.ts';
import type { Heard } from './places.ts';
import { PresenceList } from './presence.ts';
import { PASSING, pauseAfter } from './retry.ts';
import type { Session } from './session.ts';

/**
 * `waiting` for a connection, or for a pause to end; `subscribing` until the server answers; `catchingUp` on what was
 * missed; `live`; `paused` while a loop that reads more slowly than others write works off its queue.
 */
export type FeedState = 'waiting' | 'subscribing' | 'catchingUp' | 'live' | 'paused' | 'ended';

export const FEED_TRANSITIONS: Readonly<Record<FeedState, readonly FeedState[]>> = {
  waiting: ['subscribing', 'ended'],
  subscribing: ['catchingUp', 'live', 'waiting', 'ended'],
  catchingUp: ['live', 'subscribing', 'waiting', 'paused', 'ended'],
  live: ['subscribing', 'waiting', 'paused', 'ended'],
  paused: ['subscribing', 'waiting', 'ended'],
  ended: [],
};

/** Nothing of it is asked of the server. */
const IDLE: ReadonlySet<FeedState> = new Set(['waiting', 'paused', 'ended']);

export interface FeedWishes {
  recent?: number;
  presence?: boolean;
  member?: unknown;
}

/** One of those who share a feed. */
export interface Reader {
  /** The last publication it got, or the place where it began. */
  readonly position: Position | undefined;
  /** How many messages wait in its slowest loop. */
  readonly backlog: number;
  /** From here on it wants to have everything. */
  begin(position: Position): void;
  onMessage(message: Message, position: Position): void;
  onGap(gap: Gap): void;
  onSkip(from: number, to: number): void;
  /** Passes on what is the same for all of them. */
  emit(name: 'gap' | 'skip' | 'presence', event: never): void;
  onState(state: FeedState): void;
  /** It is over; without an error: on purpose. */
  onEnd(error?: Error): void;
}

export interface FeedOptions {
  /** A name, or a pattern. */
  channel: string;
  wishes: FeedWishes;
  session: Session;
  isOwn: (key: string) => boolean;
  /** Called when the feed has its number, and when it has lost it. */
  onNumber: (number: number, feed: Feed | undefined) => void;
  /** Called at each answer, also when it comes too late for the feed: where the lines of that number begin. */
  onPlace: (number: number, position: Position) => void;
  onOver: () => void;
}

export const isPatterned = (name: string) => name.includes('*');

/** As the protocol's `compilePattern`, and short: whoever wrote the pattern is its only victim. */
function compile(pattern: string): (channel: string) => boolean {
  const source = pattern.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.+');
  const match = new RegExp(`^${source}$`);
  return (channel) => match.test(channel);
}

/** Publications that the server sends ahead while catching up: a page of its log. */
const CREDIT = 256;
/** Messages that wait in a loop before the feed pauses: some megabytes of chat, and most bursts. */
const BACKLOG = 2_048;

/**
 * The wire's side of a channel, which all subscriptions to it share: it asks for the channel after each welcome, from
 * the last position, and passes on what comes next, nothing twice and nothing left out.
 */
export class Feed {
  readonly channel: string;
  readonly readers = new Set<Reader>();
  readonly presence = new PresenceList();
  /** Of a pattern: whether it matches a channel. */
  readonly matches: ((channel: string) => boolean) | undefined;
  readonly #options: FeedOptions;
  #state: FeedState = 'waiting';
  #position: Position | undefined;
  #number: number | undefined;
  /** Of the present request: whether it named a position. */
  #resumes = false;
  /** Of a pattern: whether the server has taken it before. */
  #hasBegun = false;
  /** Publications since the last credit. */
  #taken = 0;
  #failures = 0;
  #attempt = 0;
  #cancelRetry = () => {};

  constructor(options: FeedOptions) {
    this.#options = options;
    this.channel = options.channel;
    if (isPatterned(this.channel)) this.matches = compile(this.channel);
  }

  get state(): FeedState {
    return this.#state;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** `since` in the past takes the feed back: the others pass over what they have had. */
  add(reader: Reader, since: Position | undefined): void {
    this.readers.add(reader);
    if (this.matches) return;
    if (since) reader.begin(since);
    const here = this.#position;
    if (!here) {
      if (this.#state !== 'subscribing') this.#position = since;
      else if (since) this.#restart(since);
      return;
    }
    if (!since) {
      if (this.#state === 'live') reader.begin(here);
    } else if (since[0] !== here[0]) {
      reader.onGap({ have: since, oldest: here[1] + 1, head: here[1], epoch: here[0] });
      reader.begin(here);
    } else if (since[1] < here[1]) this.#restart(since);
  }

  remove(reader: Reader): void {
    if (!this.readers.delete(reader) || this.readers.size > 0) return;
    this.#leave();
    this.end();
  }

  /** There is a welcomed connection. */
  start(): void {
    if (this.#state === 'waiting') this.#ask();
  }

  /** There is none any more. */
  suspend(): void {
    this.#forgetNumber();
    if (this.#state !== 'ended') this.#become('waiting');
  }

  /** A loop took a message: there may be room for more. */
  onRoom(): void {
    if (this.#state === 'paused' && this.#backlog() < BACKLOG / 2) this.#ask();
    else this.#credit();
  }

  onMessage(offset: number, data: unknown, meta: Meta | undefined): void {
    if (offset === 0) {
      if (this.#position) this.#deliver([this.#position[0], 0], data, meta);
      return;
    }
    if (!this.#isNext(offset)) return;
    this.#taken += 1;
    this.#deliver(this.#advance(offset), data, meta);
    if (this.#backlog() > BACKLOG) this.#pause();
    else this.#credit();
  }

  /** Of a pattern. */
  onHeard({ channel, position }: Heard, data: unknown, meta: Meta | undefined): void {
    const message = toMessage(channel, position, data, meta, this.#options.isOwn);
    // It has a place in its own channel, and none in the pattern.
    for (const reader of [...this.readers]) reader.onMessage(message, [position[0], 0]);
    if (this.#backlog() > BACKLOG) this.#pause();
  }

  /** Of a pattern: something is lost, or left out. Of a channel: who is here. */
  tell(name: 'gap' | 'skip' | 'presence', event: PatternGapEvent | SkipEvent | PresenceEvent): void {
    for (const reader of [...this.readers]) reader.emit(name, event as never);
  }

  onSkip(to: number): void {
    const from = (this.#position?.[1] ?? 0) + 1;
    // It speaks of everything up to there, so nothing can be missing before it.
    if (to < from) return;
    this.#advance(to);
    for (const reader of [...this.readers]) reader.onSkip(from, to);
  }

  /** What one reader has lost, another may have had: the feed goes on from where nobody loses more than need be. */
  onGap(gap: Gap): void {
    const { epoch, head, oldest } = gap;
    let from = head;
    for (const reader of [...this.readers]) {
      const have = reader.position;
      if (have && have[0] === epoch && have[1] >= oldest - 1) from = Math.min(from, have[1]);
      else {
        if (have) reader.onGap({ ...gap, have });
        reader.begin([epoch, head]);
      }
    }
    this.#position = [epoch, head];
    if (from < head) this.#restart([epoch, from]);
  }

  onLive(offset: number): void {
    // Something was lost on the way, in whatever manner: it is in the log.
    if (offset > this.#position![1]) this.#restart(this.#position!);
    else {
      this.#failures = 0;
      this.#become('live');
      for (const reader of this.readers) if (!reader.position) reader.begin(this.#position!);
    }
  }

  onJoin(member: Member): void {
    this.tell('presence', this.presence.add(member));
  }

  onLeave(id: string): void {
    const event = this.presence.delete(id);
    if (event) this.tell('presence', event);
  }

  onCount(count: number): void {
    this.tell('presence', this.presence.reset({ count }));
  }

  /** The server ended it, or refused it. */
  onRefused(error: ProtocolError): void {
    const { session } = this.#options;
    const { code } = error;
    this.#forgetNumber();
    if (code === 'CONNECTION_LOST') return;
    this.#failures += 1;
    if (code === 'BAD_POSITION' && this.#resumes) {
      // The log is older than what we had of it, as after a restored backup: we begin anew, and say what is lost.
      this.#position = undefined;
      this.#become('waiting');
      this.#ask();
    } else if (code === 'UNAUTHORIZED' && this.#failures === 1) {
      this.#become('waiting');
      const attempt = this.#attempt;
      session.renew().then(
        () => attempt === this.#attempt && this.#askIfOpen(),
        () => attempt === this.#attempt && this.end(error),
      );
    } else if (PASSING.has(code)) {
      this.#become('waiting');
      const pause = pauseAfter(error, this.#failures - 1, session.random);
      this.#cancelRetry = session.timers.after(pause, () => this.#askIfOpen());
    } else this.end(error);
  }

  end(error?: Error): void {
    if (this.#state === 'ended') return;
    this.#forgetNumber();
    this.#become('ended');
    this.#options.onOver();
    for (const reader of [...this.readers]) reader.onEnd(error);
    this.readers.clear();
  }

  #askIfOpen(): void {
    if (this.#options.session.state === 'open') this.start();
  }

  #ask(): void {
    const { session, wishes } = this.#options;
    this.#cancelRetry();
    const at = this.#position;
    this.#resumes = at !== undefined;
    this.#taken = 0;
    const options = this.matches ? {} : { ...wishes, at, credit: CREDIT };
    const attempt = ++this.#attempt;
    session.ask((id) => encode(['sub', id, this.channel, options]), {
      ok: (result) => {
        const subscribed = (result ?? {}) as Subscribed;
        if (attempt === this.#attempt) this.#accepted(subscribed);
        const { ch, epoch, offset } = subscribed;
        if (epoch) this.#options.onPlace(ch!, [epoch, offset!]);
      },
      err: (error) => attempt === this.#attempt && this.onRefused(error),
    });
    // Now, since who hears of it may leave: then `un` goes after `sub`.
    this.#become('subscribing');
  }

  #accepted(result: Subscribed): void {
    if (this.matches) {
      this.#failures = 0;
      this.#become('live');
      if (this.#hasBegun) this.tell('gap', { channel: this.channel });
      this.#hasBegun = true;
      return;
    }
    const { ch, epoch, offset } = result;
    if (ch === undefined || !epoch || offset === undefined) {
      this.end(new ProtocolError('BAD_MESSAGE', `the answer for ${this.channel} lacks its number or position`));
      return;
    }
    this.#number = ch;
    this.#options.onNumber(ch, this);
    this.#become('catchingUp');
    if (!this.#resumes) {
      this.#position = [epoch, offset];
      for (const reader of [...this.readers]) {
        const have = reader.position;
        if (have) reader.onGap({ have, oldest: offset + 1, head: offset, epoch });
        reader.begin([epoch, offset]);
      }
    }
    if (result.members || result.count !== undefined) this.tell('presence', this.presence.reset(result));
  }

  /** Whether `offset` comes next. What we have is passed over; if something is missing, it is fetched from the log. */
  #isNext(offset: number): boolean {
    const last = this.#position?.[1] ?? offset;
    if (offset > last + 1) this.#restart(this.#position!);
    return offset === last + 1;
  }

  #advance(offset: number): Position {
    this.#position = [this.#position![0], offset];
    return this.#position;
  }

  #deliver(position: Position, data: unknown, meta: Meta | undefined): void {
    const message = toMessage(this.channel, position, data, meta, this.#options.isOwn);
    for (const reader of [...this.readers]) reader.onMessage(message, position);
  }

  /** Lets the server send as many more as were taken and do not wait. Only a catching-up reader has credit. */
  #credit(): void {
    if (this.#state !== 'catchingUp' || this.#taken < CREDIT / 2 || this.#backlog() > CREDIT) return;
    this.#options.session.send(encode(['more', this.#number!, this.#taken]));
    this.#taken = 0;
  }

  #pause(): void {
    this.#leave();
    this.#become('paused');
  }

  #restart(from: Position): void {
    this.#position = from;
    if (IDLE.has(this.#state)) return;
    this.#leave();
    if (this.#state === 'subscribing') this.#become('waiting');
    this.#ask();
  }

  #leave(): void {
    this.#forgetNumber();
    if (IDLE.has(this.#state)) return;
    // Its answer says nothing new: what comes until then has no number here, and is passed over.
    this.#options.session.ask((id) => encode(['un', id, this.channel]), { ok() {}, err() {} });
  }

  #forgetNumber(): void {
    this.#cancelRetry();
    this.#attempt += 1;
    if (this.#number !== undefined) this.#options.onNumber(this.#number, undefined);
    this.#number = undefined;
  }

  #backlog(): number {
    let most = 0;
    for (const { backlog } of this.readers) most = Math.max(most, backlog);
    return most;
  }

  #become(state: FeedState): void {
    if (this.#state === state) return;
    if (!FEED_TRANSITIONS[this.#state].includes(state))
      throw new Error(`from ${this.#state} there is no way to ${state}`);
    this.#state = state;
    for (const reader of [...this.readers]) reader.onState(state);
  }
}
