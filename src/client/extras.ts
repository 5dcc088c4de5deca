import type { checkOptions, Position, Presence, ProtocolError, ServerMessage } from '../protocol/index.ts';
import { catchUp } from './catch-up.ts';
import type { Cursor, CursorFeed } from './cursor.ts';
import type { Feed, FeedContext, FeedState } from './feed.ts';
import type { encodeParts } from './json.ts';
import { type HistoryOptions, type HistoryPage, lookUpHistory, lookUpPresence, request } from './lookups.ts';
import { Patterns } from './patterns.ts';
import { type IsPassing, People } from './people.ts';
import type { Asking, WaitOptions } from './requests.ts';

/** A subscription, as far as a signal is concerned. */
interface Ending {
  unsubscribe(): void;
  on(name: 'state', listener: (state: FeedState) => void): unknown;
}

interface ExtrasContext extends FeedContext {
  /** Reports an error that no promise or subscription carries. */
  report(error: Error): void;
}

/** What a plain page does not need: patterns, members, look-ups, and readers that are late. Loaded when the first of them is used. */
export class Extras {
  readonly people: People;
  /** What the parts of the client share. */
  readonly context: ExtrasContext;
  /** Told of each message that is no answer, such as what the server asks. */
  readonly listeners = new Set<(message: ServerMessage) => void>();
  readonly #ProtocolError: typeof ProtocolError;
  readonly #encode: typeof encodeParts;
  readonly #isPassing: IsPassing;
  readonly #check: typeof checkOptions;
  readonly #known = new WeakSet<Feed>();
  #patterns: Patterns | undefined;

  /** The functions are given, since an import would make a third file, which every page loads. */
  constructor(
    context: ExtrasContext,
    isPassing: IsPassing,
    encode: typeof encodeParts,
    error: typeof ProtocolError,
    check: typeof checkOptions,
  ) {
    this.#ProtocolError = error;
    this.#check = check;
    this.context = context;
    this.#encode = encode;
    this.#isPassing = isPassing;
    this.people = new People(context, isPassing, encode, error);
    this.#patterns = [...context.feeds.values()].some(({ isPattern }) => isPattern) ? new Patterns(context) : undefined;
  }

  /** For the subscriptions that waited for it. */
  begin(): void {
    const { feeds, session } = this.context;
    for (const feed of [...feeds.values()]) {
      if (session.state === 'open') feed.start();
      this.people.changed(feed);
    }
  }

  /** The first pattern, or the first one after a time without: what is known of channels has become old. */
  #beginPattern(feed: Feed): void {
    const isNew = feed.isPattern && !this.#known.has(feed);
    this.#known.add(feed);
    const others = [...this.context.feeds.values()].filter((other) => other.isPattern && other !== feed);
    if (isNew && others.length === 0) this.#patterns = new Patterns(this.context);
  }

  introduce(number: number, position: Position, channel: string): void {
    this.#patterns?.introduce(number, position, channel);
  }

  handle(message: ServerMessage): void {
    this.people.handle(message);
    this.#patterns?.handle(message);
    for (const listener of this.listeners) listener(message);
  }

  request(verb: string, parts: string, options: Asking | undefined): Promise<unknown> {
    return request(this.context.session, verb, parts, options);
  }

  /**
   * A subscription that needs more than messages of a channel. It ends when the signal is aborted; the signal forgets it
   * when it ends otherwise.
   */
  begun(feed: Feed, subscription: Ending, signal: AbortSignal | undefined): void {
    this.#beginPattern(feed);
    if (!signal) return;
    const end = () => subscription.unsubscribe();
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    subscription.on('state', (state) => state === 'ended' && signal.removeEventListener('abort', end));
  }

  catchUp(cursor: Cursor, feed: CursorFeed): void {
    catchUp(this.context, this.#encode, this.#isPassing, cursor, feed);
  }

  async history(channel: string, options: HistoryOptions | undefined): Promise<HistoryPage<unknown>> {
    this.#check(options, ['after', 'limit', 'timeout', 'signal']);
    return lookUpHistory(this.context, this.#encode, channel, options);
  }

  async presence(channel: string, options: WaitOptions | undefined): Promise<Presence> {
    this.#check(options, ['timeout', 'signal']);
    return lookUpPresence(this.context, this.#encode, channel, options);
  }

  /**
   * The server closed because of a message that was too large, and would do so again: it is the largest one, or that
   * one is too large as well.
   */
  refuseLargest(): void {
    const { outbox } = this.context;
    const sizes = outbox.waiting.map(({ key, data }) => ({ key, size: JSON.stringify(data).length }));
    const [largest] = sizes.sort((a, b) => b.size - a.size);
    if (largest) outbox.refuse(largest.key, new this.#ProtocolError('TOO_LARGE', `${largest.size} characters`));
  }

  /** Sends a publication to those who are connected now: it waits for nothing. */
  async sendNow(parts: string, signal: AbortSignal | undefined): Promise<undefined> {
    const { session } = this.context;
    const { isFree } = session.lines;
    if (!isFree || session.isOffline)
      throw new this.#ProtocolError(isFree ? 'CONNECTION_LOST' : 'RATE_LIMITED', 'it may not wait');
    await request(session, 'pub', parts, { signal });
  }

  /** The connection is lost. */
  forget(): void {
    this.#patterns?.forget();
  }
}
