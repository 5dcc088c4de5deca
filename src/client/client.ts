import {
  type ChannelInput,
  type ChannelOutput,
  type Contract,
  isChannel,
  type MethodInput,
  type MethodResult,
  type Position,
  type Presence,
  ProtocolError,
  type PublishOptions,
  type ServerMessage,
  type Welcome,
} from '../protocol/index.ts';
import type { ClientContext } from './context.ts';
import type { Login, Token } from './credentials.ts';
import { Emitter } from './emitter.ts';
import { Feed } from './feed.ts';
import { encodeParts } from './json.ts';
import type { Network } from './liveness.ts';
import { type HistoryOptions, type HistoryPage, lookUpHistory, lookUpPresence } from './lookups.ts';
import type { PatternGapEvent } from './messages.ts';
import { noChannel, Outbox, type OutboxSettings, type OutboxStorage, type Waiting } from './outbox.ts';
import { browserTimers, type SocketState, type Timers } from './reconnecting-socket.ts';
import { CLOSED, Session } from './session.ts';
import type { NegotiatedSocket, SessionOptions } from './session-options.ts';
import { Subscription } from './subscription.ts';

/** `connecting` until the server has welcomed us; `waiting` in the pause before the next attempt. */
export type ClientState = SocketState;

export interface ClientOptions {
  /** A text, or asked before each connection, and when the server says that the token has expired. Without one: '' or null. */
  token?: Token;
  /**
   * Asked for a user and a password when there is no token of an earlier welcome; the password is not kept. Answer
   * soon, since a server waits some 10 seconds for `hi`: let the person type first, then open the client. A refusal is
   * final: the client closes with UNAUTHORIZED. Not asked where there is the option `token`.
   */
  login?: () => Login | Promise<Login>;
  /** Default: the platform's, which browsers, workers and Node have. */
  WebSocket?: new (
    url: string,
    subprotocol: string,
  ) => NegotiatedSocket;
  /** Default: the machine's wall clock, whose jumps show that it slept. */
  clock?: Timers;
  /** From 0 up to 1; default `Math.random`. */
  random?: () => number;
  /**
   * Where publications wait that are not acknowledged yet, so that they outlive the page: `localStorage`, say. Whoever
   * comes with the same address and storage sends them, so clear it when another user logs in. Default: memory alone.
   */
  storage?: OutboxStorage;
  /** Publications that may wait for their acknowledgement. Default 1,000: minutes of somebody typing offline. */
  outbox?: number;
  /** Where `online`, `offline` and `pageshow` are heard. Default: the window or worker; Node has none. */
  network?: Network;
}

export interface SubscribeOptions {
  /** The position of the last message seen: what came after it comes first. Default: begin with what comes next. */
  since?: Position | undefined;
  /** Without `since`: so many of the newest messages first. Default 0. */
  recent?: number;
  /** Hear who is here, comes and goes. Default false. */
  presence?: boolean;
  /** Be here yourself, shown with this data. Default: not shown. */
  member?: unknown;
}

export interface ClientEvents {
  state: ClientState;
  /** What the server sent to this user or connection, through no channel. */
  message: unknown;
  /** What failed and was nobody's request: a token that could not be had, an early publication, the end by the server. */
  error: Error;
}

/** What `subscribe` answers, by the contract, or by the type that was given. */
type Subscribing<C extends Contract, Name extends string, T> = Name extends `${string}*${string}`
  ? Subscription<[T] extends [never] ? ChannelOutput<C, Name> : T, never, PatternGapEvent>
  : Subscription<[T] extends [never] ? ChannelOutput<C, Name> : T, [T] extends [never] ? ChannelInput<C, Name> : T>;

/** RFC 6455 §7.4.1: a frame was larger than the server takes. */
const TOO_BIG = 1009;

/** The platform as this SDK may find it: not every one has all of it. */
const platform = globalThis as unknown as Partial<Network> & {
  WebSocket?: new (url: string, subprotocol: string) => NegotiatedSocket;
};

const DEFAULTS = {
  // Unlike that of `performance.now`, it goes on while the machine sleeps.
  clock: { ...browserTimers, now: () => Date.now() },
  random: Math.random,
  network: platform.addEventListener && (platform as Network),
  outbox: 1_000,
};

/**
 * A user's end of a Zócalo server: channels, publications, calls. It connects at the first use and stays connected
 * until it is closed; whatever happens to the line in between, subscriptions go on where they were.
 */
// biome-ignore lint/suspicious/noExplicitAny: whoever takes a `Client` takes one of any contract.
export class Client<C extends Contract = any> {
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #context: ClientContext;
  readonly #emitter = new Emitter<ClientEvents>();
  #reported: Error | undefined;

  /** @throws ProtocolError where there is no WebSocket. Nothing is connected before the first use. */
  constructor(url: string, options: ClientOptions = {}) {
    const settings = { WebSocket: platform.WebSocket, ...DEFAULTS, ...options, url };
    if (!settings.WebSocket) throw new ProtocolError('UNAVAILABLE', 'there is no WebSocket: give the option');
    const context = {
      settings,
      feeds: new Map(),
      numbers: new Map(),
      report: (error: Error) => this.#report(error),
    } as unknown as ClientContext & { session: Session; outbox: Outbox };
    this.#context = context;
    context.session = this.#session = new Session(settings as SessionOptions & OutboxSettings, {
      onState: (state, why) => this.#changed(state, why),
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

  /** What the server said on opening: our user and connection; undefined unless `open`. */
  get welcome(): Welcome | undefined {
    return this.#session.welcome;
  }

  /** Milliseconds until the next attempt; 0 unless `waiting`. */
  get retryIn(): number {
    return this.#session.retryIn;
  }

  /** Publications that are not acknowledged yet. */
  get unacknowledged(): number {
    return this.#outbox.size;
  }

  /** The same one by one, oldest first: what to show as still on its way, also after the page was loaded anew. */
  get waiting(): readonly Waiting[] {
    return this.#outbox.waiting;
  }

  /** Calls `listener` at each event. The answer stops it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /**
   * Listens to a channel, or to all channels of a pattern, `sensor:*`, where the server takes patterns: from what comes
   * next, without the options below, and each message with the channel and the position there. `recent`, `presence` and `member` are what the first of several subscriptions to the channel
   * asked for; `since` is each one's own. The type of the messages is the contract's, or `T`.
   *
   * @throws ProtocolError BAD_CHANNEL.
   */
  subscribe<T = never, const Name extends string = string>(
    channel: Name,
    { since, ...wishes }: SubscribeOptions = {},
  ): Subscribing<C, Name, T> {
    if (!isChannel(channel.replaceAll('*', '-')) || channel.includes('**')) throw noChannel(channel);
    this.open();
    const feed = this.#context.feeds.get(channel) ?? this.#newFeed(channel, wishes);
    const subscription = new Subscription<never, unknown>(this.#context, feed, since);
    if (this.state === 'open') feed.start();
    return subscription as never;
  }

  /** As a subscription's `publish`, without listening. */
  async publish<const Name extends string>(
    channel: Name,
    data: ChannelInput<C, Name>,
    options: Omit<PublishOptions, 'key'> = {},
  ): Promise<Position | undefined> {
    this.open();
    return this.#outbox.publish(channel, data, options);
  }

  /**
   * Calls a method of the server. Rejects with its code, or TIMEOUT after `timeout` milliseconds (default 10,000), or
   * CONNECTION_LOST when nobody knows whether it was done, or CLOSED.
   */
  async call<T = never, const Name extends string = string>(
    method: Name,
    data?: MethodInput<C, Name>,
    { timeout }: { timeout?: number } = {},
  ): Promise<[T] extends [never] ? MethodResult<C, Name> : T> {
    this.open();
    return (await this.#session.request('call', encodeParts(method, data ?? null), { timeout })) as never;
  }

  /** A page of a channel's log, without listening. Rejects with the server's code, TIMEOUT or CLOSED. */
  history<T = never, const Name extends string = string>(
    channel: Name,
    options?: HistoryOptions,
  ): Promise<HistoryPage<[T] extends [never] ? ChannelOutput<C, Name> : T>> {
    this.open();
    return lookUpHistory(this.#context, channel, options);
  }

  /** Who is in a channel, or only how many, without listening. Rejects likewise; `timeout` in milliseconds, default 10,000. */
  presence(channel: string, { timeout }: { timeout?: number } = {}): Promise<Presence> {
    this.open();
    return lookUpPresence(this.#context, channel, timeout);
  }

  /** Gives the server a new token now, before the old one expires. */
  renew(): Promise<void> {
    return this.#session.renew();
  }

  /** Connects, if that is not under way. The first use does it too. */
  open(): void {
    if (this.state !== 'closed') return;
    this.#outbox.restore();
    this.#session.open();
  }

  /** Ends the pause before the next attempt: for a button. */
  retryNow(): void {
    this.#session.retryNow();
  }

  /** Ends every subscription and the connection. Unacknowledged publications are rejected with CLOSED; a storage keeps them. */
  close(): void {
    for (const feed of this.#feeds) feed.end();
    this.#session.close();
  }

  #newFeed(channel: string, wishes: Omit<SubscribeOptions, 'since'>): Feed {
    const context = this.#context;
    const feed = new Feed(context, channel, wishes);
    if (feed.isPattern && !this.#feeds.some(({ isPattern }) => isPattern)) {
      context.patterns = undefined;
      import('./patterns.ts').then(
        ({ Patterns }) => {
          context.patterns = new Patterns(context);
          if (this.state === 'open') for (const feed of this.#feeds) feed.start();
        },
        (error) => {
          for (const feed of this.#feeds) if (feed.isPattern) feed.end(error);
        },
      );
    }
    context.feeds.set(channel, feed);
    return feed;
  }

  #changed(state: ClientState, why: Error | undefined): void {
    switch (state) {
      case 'open':
        for (const feed of this.#feeds) feed.start();
        this.#outbox.flush();
        break;
      case 'waiting':
        if (this.#session.closeCode === TOO_BIG) this.#outbox.refuseLargest();
        this.#suspend();
        break;
      case 'closed':
        this.#suspend();
        for (const feed of this.#feeds) feed.end(why);
        this.#outbox.abandon(why ?? CLOSED);
    }
    this.#emitter.emit('state', state);
    if (why) this.#report(why);
  }

  #suspend(): void {
    for (const feed of this.#feeds) feed.suspend();
    this.#context.patterns?.forget();
    this.#outbox.suspend();
  }

  /** What belongs to no channel of ours came too late: we have left it. */
  #handle(message: ServerMessage): void {
    if (message.length < 2) return;
    const { feeds, numbers, patterns } = this.#context;
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
      case '+':
      case '-':
      case 'n':
        feed?.onPresence(message);
        break;
      case 'end':
        feeds.get(message[1])?.onRefused(new ProtocolError(message[2], message[3] ?? `the server ended it`));
        break;
      case 'to':
        this.#emitter.emit('message', message[1]);
    }
    patterns?.handle(message);
  }

  #report(error: Error): void {
    // What ends the client ends each of its subscriptions with it.
    if (error === this.#reported) return;
    this.#reported = error;
    if (!this.#emitter.emit('error', error)) console.error(error);
  }
}
