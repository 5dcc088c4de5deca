import {
  type Allowed,
  type AnyOf,
  type ChannelInput,
  type ChannelName,
  type ChannelOutput,
  type Contract,
  checkOptions,
  isChannel,
  type MethodInput,
  type MethodName,
  type MethodResult,
  type Position,
  type Presence,
  ProtocolError,
  type ServerMessage,
  type Welcome,
} from '../protocol/index.ts';
import type { ClientEvents, ClientOptions, ClientState, SubscribeOptions } from './client-options.ts';
import type { ClientContext } from './context.ts';
import { Emitter } from './emitter.ts';
import type { Extras } from './extras.ts';
import { Feed } from './feed.ts';
import { encodeParts } from './json.ts';
import type { Network } from './liveness.ts';
import type { HistoryOptions, HistoryPage } from './lookups.ts';
import type { PatternGapEvent } from './messages.ts';
import { noChannel, Outbox, type OutboxSettings, type PublicationOptions, type Waiting } from './outbox.ts';
import { browserTimers } from './reconnecting-socket.ts';
import type { WaitOptions } from './requests.ts';
import { isPassing } from './retry.ts';
import { CLOSED, Session } from './session.ts';
import type { NegotiatedSocket, SessionOptions } from './session-options.ts';
import { Subscription } from './subscription.ts';

/** The result of `subscribe`, by the contract, or by the given type. */
type Subscribing<C extends Contract, Name extends string, T> = Name extends `${string}*${string}`
  ? Subscription<[T] extends [never] ? ChannelOutput<C, Name> : T, never, PatternGapEvent>
  : Subscription<[T] extends [never] ? ChannelOutput<C, Name> : T, [T] extends [never] ? ChannelInput<C, Name> : T>;

/** RFC 6455 §7.4.1: a frame was larger than the server accepts. */
const TOO_BIG = 1009;

/** Globals that may be missing on a platform. */
const platform = globalThis as unknown as Partial<Network> & {
  WebSocket?: new (url: string, subprotocol: string) => NegotiatedSocket;
};

/** Every option, so that another name is a mistake. */
const DEFAULTS = {
  token: undefined,
  login: undefined,
  storage: undefined,
  bytes: JSON,
  debug: undefined,
  WebSocket: undefined,
  // Unlike `performance.now`, it continues while the machine sleeps.
  clock: { ...browserTimers, now: () => Date.now() },
  random: Math.random,
  network: platform.addEventListener && (platform as Network),
  outbox: 1_000,
};

/**
 * A client of a Zócalo server: channels, publications, calls. It connects at the first use and stays connected until it
 * is closed; after an interruption, subscriptions continue where they were.
 */
// biome-ignore lint/suspicious/noExplicitAny: a plain `Client` has any contract.
export class Client<C extends Contract = any> {
  /** Vue leaves it as it is, in a `ref` too: it tells of its changes by events, and works through no Proxy. */
  readonly __v_skip = true;
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #context: ClientContext;
  readonly #emitter = new Emitter<ClientEvents>();
  #reported: Error | undefined;

  /**
   * It connects at the first use.
   *
   * @throws ProtocolError UNAVAILABLE when there is no WebSocket, BAD_OPTION for a misspelt option.
   */
  constructor(url: string, options: ClientOptions = {}) {
    checkOptions(options, Object.keys(DEFAULTS) as (keyof ClientOptions)[]);
    const settings = { ...DEFAULTS, WebSocket: platform.WebSocket, ...options, url };
    if (!settings.WebSocket) throw new ProtocolError('UNAVAILABLE', 'no WebSocket');
    const context = {
      settings,
      feeds: new Map(),
      numbers: new Map(),
      report: (error: Error) => this.#report(error),
      load: () => this._load(),
      onWaiting: () => this.#emitter.has('waiting') && this.#emitter.emit('waiting', this.waiting),
    } as unknown as ClientContext & { session: Session; outbox: Outbox };
    this.#context = context;
    context.session = this.#session = new Session(settings as SessionOptions & OutboxSettings, {
      onState: (state) => this.#changed(state),
      onMessage: (message) => this.#handle(message),
      onError: context.report,
    });
    context.outbox = this.#outbox = new Outbox(context);
  }

  get #feeds(): Feed[] {
    return [...this.#context.feeds.values()];
  }

  get state(): ClientState {
    return this.#session.state;
  }

  /** The server's answer to the login: our user and connection; undefined unless `open`. */
  get welcome(): Welcome | undefined {
    return this.#session.welcome;
  }

  /** Milliseconds until the next attempt; 0 unless `waiting`. */
  get retryIn(): number {
    return this.#session.socket.retryIn;
  }

  /**
   * Why there is no connection, while `waiting` for the next attempt, and when the server ended it: `code` is
   * CONNECTION_LOST for one that did not open or was lost, or the server's.
   */
  get why(): Error | undefined {
    return this.#session.why;
  }

  /** Publications that are not acknowledged yet. */
  get unacknowledged(): number {
    return this.#outbox.size;
  }

  /**
   * The same publications, oldest first: to show what is still being sent, even after a page load. It is another list
   * after each change, and only then.
   */
  get waiting(): readonly Waiting[] {
    return this.#outbox.waiting;
  }

  /** Calls `listener` at each event. Returns a function that removes it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /**
   * Subscribes to a channel, or to all channels of a pattern, such as `sensor:*`, if the server allows patterns. A
   * pattern starts with the next message and takes none of the options below; each message has its channel and its
   * position there. Of several subscriptions to a channel, each has its own `since` and `recent`; all have `presence` when
   * one wants it; and the newest `member` that is still there is shown to others. The type of the messages is the contract's, or `T`.
   *
   * @throws ProtocolError BAD_CHANNEL, BAD_OPTION.
   */
  subscribe<T = never, const Name extends AnyOf<ChannelName<C>> = string>(
    channel: Name & Allowed<ChannelName<C>, Name>,
    options: SubscribeOptions = {},
  ): Subscribing<C, Name, T> {
    // A pattern has no log and no members.
    checkOptions(options, channel.includes('*') ? ['signal'] : ['presence', 'member', 'since', 'recent', 'signal']);
    const { since, recent = 0, presence, member, signal } = options;
    // Never two stars in a row.
    if (!isChannel(channel.replace(/\*(?!\*)/g, '-'))) throw noChannel(channel);
    const context = this.#context;
    const wished = { presence: presence || undefined, member: context.settings.bytes.written?.(member) ?? member };
    const wishes = encodeParts(wished).slice(1, -2);
    this.open();
    const feed = context.feeds.get(channel) ?? new Feed(context, channel, since);
    context.feeds.set(channel, feed);
    const subscription = new Subscription<never, unknown>(context, feed, since, recent, wishes);
    // What cannot be loaded ends those who need it.
    if (wishes || signal || feed.isPattern) {
      feed.isSpecial = true;
      context.load().then(
        (extras) => extras.begun(feed, subscription, signal),
        () => {},
      );
    }
    if (this.state === 'open') feed.start();
    return subscription as never;
  }

  /** Like a subscription's `publish`, without subscribing. */
  async publish<const Name extends AnyOf<ChannelName<C>>>(
    channel: Name & Allowed<ChannelName<C>, Name>,
    data: ChannelInput<C, Name>,
    options?: PublicationOptions,
  ): Promise<Position | undefined> {
    this.open();
    return this.#outbox.publish(channel, data, options);
  }

  /**
   * Calls a method of the server. Rejects with its code, with TIMEOUT after `timeout` milliseconds (default 10,000; 0: never),
   * with CONNECTION_LOST when it is unknown whether the call was executed, or with CLOSED.
   */
  async call<T = never, const Name extends AnyOf<MethodName<C>> = string>(
    method: Name & Allowed<MethodName<C>, Name>,
    data?: MethodInput<C, Name>,
    options?: WaitOptions,
  ): Promise<[T] extends [never] ? MethodResult<C, Name> : T> {
    checkOptions(options, ['timeout', 'signal']);
    this.open();
    const parts = encodeParts(method, this.#context.settings.bytes.written?.(data) ?? data ?? null);
    return (await (options?.signal ? await this._load() : this.#session).request('call', parts, options)) as never;
  }

  /** A page of a channel's log, without subscribing. Rejects with the server's code, TIMEOUT or CLOSED. */
  async history<T = never, const Name extends AnyOf<ChannelName<C>> = string>(
    channel: Name & Allowed<ChannelName<C>, Name>,
    options?: HistoryOptions,
  ): Promise<HistoryPage<[T] extends [never] ? ChannelOutput<C, Name> : T>> {
    this.open();
    return (await this._load()).history(channel, options) as never;
  }

  /**
   * Who is in a channel, or how many, without subscribing. Rejects likewise; `timeout` in milliseconds, default 10,000.
   */
  async presence(channel: string, options?: WaitOptions): Promise<Presence> {
    this.open();
    return (await this._load()).presence(channel, options);
  }

  /** Sends the server a new token now, before the old one expires. */
  renew(): Promise<void> {
    return this.#session.renew();
  }

  /** Connects, unless it is connected or connecting. The first use does this too. */
  open(): void {
    if (this.state !== 'closed') return;
    this.#outbox.restore();
    this.#session.open();
  }

  /** Ends the pause before the next attempt, for example from a button. */
  retryNow(): void {
    this.#session.socket.retryNow();
  }

  /**
   * Ends all subscriptions and the connection. Unacknowledged publications are rejected with CLOSED; a storage keeps
   * them.
   */
  close(): void {
    this.#session.close();
  }

  /** Loads what a plain page does not need. For functions of this package that are imported by themselves, such as `answer`. */
  async _load(): Promise<Extras> {
    const context = this.#context;
    try {
      const { Extras } = await import('./extras.ts');
      if (!context.extras) {
        context.extras = new Extras(context, isPassing, encodeParts, ProtocolError, checkOptions);
        context.extras.begin();
      }
      return context.extras;
    } catch (error) {
      for (const feed of this.#feeds) if (feed.isSpecial) feed.end(error as Error);
      throw error;
    }
  }

  #changed(state: ClientState): void {
    const { why } = this.#session;
    switch (state) {
      case 'open':
        for (const feed of this.#feeds) feed.start();
        this.#outbox.flush();
        break;
      case 'waiting':
        if (this.#session.socket.closeCode === TOO_BIG)
          this._load().then(
            (extras) => extras.refuseLargest(),
            () => {},
          );
        this.#suspend();
        break;
      case 'closed':
        for (const feed of this.#feeds) feed.end(why);
        this.#suspend();
        this.#outbox.abandon(why ?? CLOSED);
    }
    this.#emitter.emit('state', state);
    if (state === 'closed' && why) this.#report(why);
  }

  #suspend(): void {
    for (const feed of this.#feeds) feed.suspend();
    this.#context.extras?.forget();
    this.#outbox.suspend();
  }

  /** A message for a channel without a feed came too late: it was unsubscribed. */
  #handle(message: ServerMessage): void {
    if (message.length < 2) return;
    const { feeds, numbers, extras } = this.#context;
    const feed = numbers.get(message[1] as number);
    switch (message[0]) {
      case 'm':
        feed?.onMessage(message[2], message[3], message[4]);
        break;
      case 'skip':
        feed?.onSkip(message[2]);
        break;
      case 'gap':
        feed?.onGap(message[2]);
        break;
      case 'live':
        feed?.onLive(message[2]);
        break;
      case 'end':
        feeds.get(message[1])?.onRefused(new ProtocolError(message[2], message[3] ?? `the server ended it`));
        break;
      case 'to':
        this.#emitter.emit('message', message[1]);
    }
    extras?.handle(message);
  }

  #report(error: Error): void {
    // An error that ends the client also ends each of its subscriptions.
    if (error === this.#reported) return;
    this.#reported = error;
    if (!this.#emitter.emit('error', error)) console.error(error);
  }
}
