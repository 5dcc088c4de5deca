import { systemClock } from '../clock.ts';
import { Alone, type Nodes } from '../nodes/index.ts';
import {
  type ChannelInput,
  type Contract,
  type GetOptions,
  type History,
  isPattern,
  type JsonText,
  PING,
  type Position,
  type Presence,
  parseJson,
} from '../protocol/index.ts';
import { requireNode } from '../runtime.ts';
import { admission } from './admission.ts';
import { allSettled } from './all-settled.ts';
import type { UserConnection } from './caller.ts';
import { checkName } from './channel-name.ts';
import type { ChannelOptions } from './channel-options.ts';
import { Channels } from './channels/channels.ts';
import { Edits } from './channels/edits.ts';
import { checkHistoryOptions, history } from './channels/history.ts';
import { tellMembers } from './channels/member-news.ts';
import { Pages } from './channels/pages.ts';
import { Patterns } from './channels/patterns.ts';
import { presenceOf } from './channels/presence-of.ts';
import { Publisher } from './channels/publisher.ts';
import { ChannelRules } from './channels/rules.ts';
import { type WatchListener, watchLogs } from './channels/watch.ts';
import { Cluster } from './connections/cluster.ts';
import { Connection } from './connections/connection.ts';
import type { HubContext } from './connections/context.ts';
import { ResumeTickets } from './connections/resume-tickets.ts';
import { TextConnection } from './connections/text-connection.ts';
import { User } from './connections/user.ts';
import { Users } from './connections/users.ts';
import { ContractCheck } from './contract-check.ts';
import { type FanOut, FanOuts } from './fan-outs.ts';
import { InFlight } from './in-flight.ts';
import { LIMIT_DEFAULTS } from './limits.ts';
import { type Handler, Methods } from './methods.ts';
import { type HubObserver, Observers } from './observer.ts';
import { openStore } from './open-store.ts';
import { checkOptionNames, type HubOptions } from './options.ts';
import { Outgoing } from './outgoing.ts';
import { checkPublishOptions, type HubPublishOptions } from './publish-options.ts';
import { reportTo } from './report.ts';
import { Shares } from './shares.ts';
import { checkTimes } from './times.ts';
import { Requests } from './verbs/requests.ts';
import type { VisitorRequest } from './visitor-request.ts';
import { EVERYONE, type Wire } from './wire.ts';

/** Milliseconds; see `settled`. */
const TEXTS = 1_000;

/**
 * Channels, their logs, and who is connected. It owns no socket: `connect` gives it a wire for each connection, and
 * `addFanOut` the loop that sends to many. `serve` does both.
 *
 * @example
 * const hub = new Hub({ broker: memory(), channels: { 'chat:*': { presence: true } } });
 * await hub.publish('chat:42', { text: 'hola' });
 */
// biome-ignore lint/suspicious/noExplicitAny: a plain `Hub` has any contract.
export class Hub<C extends Contract = any> {
  /** Users, connections and channels of all nodes. */
  readonly cluster: Cluster;
  readonly #context: HubContext;
  readonly #fanOuts: FanOuts;
  readonly #nodes: Nodes;
  #opened: Promise<void> | null = null;
  #stopPinging = (): void => {};
  #closed: Promise<void> | null = null;

  /** @throws ZocaloError BAD_OPTION, NODE_TOO_OLD. */
  constructor(options: HubOptions<C>) {
    requireNode();
    checkOptionNames(options as HubOptions);
    checkTimes(options);
    const { broker, clock = systemClock, onError = console.error, linger = 5_000, trace } = options;
    const report = reportTo(onError);
    const limits = { ...LIMIT_DEFAULTS, ...options.limits };
    const rules = new ChannelRules(options.channels as Readonly<Record<string, ChannelOptions>> | undefined);
    const contract = new ContractCheck(options.contract);
    const observers = new Observers(report);
    this.#fanOuts = new FanOuts((receivers, outgoing) => {
      observers.tell('onDelivered', receivers);
      trace?.('all', outgoing.text, undefined);
    });
    const { nodes = new Alone(clock) } = options;
    tellMembers(nodes.membership, observers);
    const channels = new Channels({
      broker,
      clock,
      fanOuts: this.#fanOuts,
      linger,
      members: new Shares(limits.members),
      membership: nodes.membership,
      rules,
      observers,
      report,
      beforeNews: (channel) => patterns.introduce(channel),
    });
    const pages = new Pages(broker, clock);
    const patterns = new Patterns({ broker, clock, limits, rules, channels });
    const users = new Users(observers, nodes.others?.users);
    this.#nodes = nodes;
    this.cluster = new Cluster({ nodes, users, channels, clock, contract });
    this.#context = {
      broker,
      membership: nodes.membership,
      clock,
      rules,
      limits,
      hiTimeout: options.hiTimeout ?? 10_000,
      pingInterval: options.pingInterval ?? 25_000,
      channels,
      patterns,
      publisher: new Publisher({ broker, clock, channels, patterns, rules, observers, relay: nodes.others?.relay }),
      users,
      resumeTickets: new ResumeTickets(clock, linger, nodes.others),
      methods: new Methods(contract),
      contract,
      observers,
      pages,
      edits: new Edits({ broker, rules, pages }),
      texts: new InFlight(),
      admit: admission(options.connect ?? (() => ({}))),
      trace,
      report,
    };
  }

  /** Opens the broker, once; `publish` and `serve` do it too. Rejects as the broker does. */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<void> {
    const { broker, clock, pingInterval } = this.#context;
    await openStore(broker, this.#nodes);
    this.#stopPinging = clock.every(pingInterval, () => this.#fanOuts.publish(EVERYONE, new Outgoing([PING])));
  }

  /**
   * Resolves when everything published until now is in the log and answered, or after `limit` milliseconds. It waits at
   * most a second for texts that text connections have sent already: a sender's rate must not delay the end.
   */
  async settled(limit: number): Promise<void> {
    const { publisher, texts, clock } = this.#context;
    const begun = clock.now();
    await texts.settled(clock, Math.min(limit, TEXTS));
    await publisher.settled(Math.max(0, limit - (clock.now() - begun)));
  }

  /** Ends every connection with SHUTTING_DOWN, then waits for pending publications, and closes the broker. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopPinging();
    for (const connection of this.connections) connection.end('SHUTTING_DOWN');
    this.#context.patterns.close();
    this.#context.channels.close();
    this.#context.resumeTickets.close();
    const isOpen = await this.#opened?.then(
      () => true,
      () => false, // the caller of `open` was told
    );
    if (!isOpen) return;
    await this.#nodes.close();
    await this.#context.broker.close();
  }

  /**
   * Appends data, any JSON value, to a channel's log, and sends it to the subscribers. A `JsonText` is passed on
   * unchanged. Resolves with its position once it is in the log; undefined with `keep: false`.
   * @throws ProtocolError BAD_DATA, TOO_LARGE; ZocaloError BAD_OPTION for an invalid channel name, KEY_REUSED, and
   *   LOG_… when the broker cannot store it.
   */
  publish<const Name extends string>(
    channel: Name,
    data: ChannelInput<C, Name> | JsonText,
    options?: HubPublishOptions & { keep?: true },
  ): Promise<Position>;
  publish<const Name extends string>(
    channel: Name,
    data: ChannelInput<C, Name> | JsonText,
    options?: HubPublishOptions,
  ): Promise<Position | undefined>;
  /**
   * The same into many channels, with a position for each. If some fail it rejects with the first error, after all have
   * settled; the others are stored. Repeating is safe with a key, which applies to each channel separately.
   */
  publish<const Name extends string>(
    channels: readonly Name[],
    data: ChannelInput<C, Name> | JsonText,
    options?: HubPublishOptions & { keep?: true },
  ): Promise<Position[]>;
  publish<const Name extends string>(
    channels: readonly Name[],
    data: ChannelInput<C, Name> | JsonText,
    options?: HubPublishOptions,
  ): Promise<(Position | undefined)[]>;
  async publish(
    to: string | readonly string[],
    data: unknown,
    options: HubPublishOptions = {},
  ): Promise<Position | undefined | (Position | undefined)[]> {
    const channels = typeof to === 'string' ? [to] : to;
    for (const channel of channels) checkName(channel);
    checkPublishOptions(options);
    await this.open();
    const { rules, contract, publisher, users } = this.#context;
    const except = options.except && users.connections.get(options.except.id);
    const send = async (channel: string) =>
      publisher.publish(channel, rules.of(channel), await contract.publication(channel, data), { ...options, except });
    if (typeof to === 'string') return send(to);
    return allSettled(channels.map(send));
  }

  /**
   * A page of a channel's log. `at`: start after this position; default from the oldest. @throws ProtocolError
   * BAD_POSITION; ZocaloError BAD_OPTION, LOG_….
   */
  async history(channel: string, options: GetOptions = {}): Promise<History> {
    return (await this.historyText(channel, options)).value as History;
  }

  /**
   * Calls `listener` with everything published from now on to a channel, or to the channels of a pattern, in the order
   * of each channel's offsets. `meta` has its `time`, its `user`, if one published it, and its `key`. Returns a function that stops it.
   */
  async watch(channelOrPattern: string, listener: WatchListener): Promise<() => void> {
    if (!isPattern(channelOrPattern)) checkName(channelOrPattern);
    await this.open();
    return watchLogs(this.#context.broker, this.#context.report, channelOrPattern, listener);
  }

  /**
   * Empties a publication in the log, and tells the readers by another entry, whose position it resolves with.
   * @throws ProtocolError BAD_POSITION, NOT_OFFERED; ZocaloError LOG_….
   */
  async erase(channel: string, at: Position): Promise<Position> {
    await this.open();
    return this.#context.edits.change(channel, at, undefined);
  }

  /** Like `erase`, with other data in its place. @throws also ProtocolError BAD_DATA, TOO_LARGE. */
  async replace<const Name extends string>(channel: Name, at: Position, data: ChannelInput<C, Name> | JsonText) {
    await this.open();
    return this.#context.edits.change(channel, at, await this.#context.contract.publication(channel, data));
  }

  /** The presence of a channel that somebody on this node is subscribed to; of any other, nobody. See `presenceText`. */
  presence(channel: string): Presence {
    const snapshot = this.#context.channels.get(channel)?.presence?.snapshot ?? '{"count":0,"members":[]}';
    return parseJson(snapshot) as Presence;
  }

  /** Like `history`, for passing it on: its data is the text that was published. */
  async historyText(channel: string, options: GetOptions = {}): Promise<JsonText> {
    checkName(channel);
    checkHistoryOptions(options);
    await this.open();
    return history(this.#context.broker, channel, options);
  }

  /** The presence of a channel on all nodes, for passing it on. Rejects with LOG_…. */
  async presenceText(channel: string): Promise<JsonText> {
    await this.open();
    return presenceOf(this.#context, channel);
  }

  /** A user, connected or not. */
  user(id: string): User<C> {
    return new User(id, this.#context.users, this.cluster.calls);
  }

  /** The ids of the users who are connected. */
  get users(): readonly string[] {
    return this.#context.users.ids;
  }

  /** One connection on this node, by its id; undefined when it is gone. */
  connection(id: string): UserConnection | undefined {
    return this.#context.users.connections.get(id);
  }

  /** All accepted connections. */
  get connections(): readonly UserConnection[] {
    return [...this.#context.users.connections.values()];
  }

  /**
   * Defines the method `name` for clients, or all methods that a pattern matches: the most specific one applies, as for
   * channels. `*` is for those that no other matches; without it, they are NO_SUCH_METHOD.
   * @throws ZocaloError BAD_OPTION if there is such a method already, the pattern is invalid, or the handler no function.
   *
   * @example
   * hub.method('order.*', (data, who, method) => orders.run(method.slice('order.'.length), data, who.user));
   */
  method<const Name extends string>(name: Name, handler: Handler<C, Name>): this {
    this.#context.methods.add(name, handler as Handler);
    return this;
  }

  /**
   * Prepares handlers for the methods that `method` does not define, by name or pattern: the returned function replaces
   * those that were there before, and cannot fail. Calls that are running are not affected. @throws ZocaloError
   * BAD_OPTION for an invalid pattern.
   */
  prepareMethods(handlers: Readonly<Record<string, Handler<C>>>): () => void {
    return this.#context.methods.prepare(handlers as Readonly<Record<string, Handler>>);
  }

  /** The channels with subscribers on this node. */
  get channels(): readonly string[] {
    return this.#context.channels.names;
  }

  /** The number of subscribers of a channel on this node. */
  subscribers(channel: string): number {
    return this.#context.channels.countOf(channel);
  }

  /**
   * Replaces the options of the channels at once, for requests and publications from now on. Subscriptions stay. An
   * open channel keeps its kind of presence until it has no subscribers.
   * @throws ZocaloError BAD_OPTION: then nothing has changed.
   */
  setChannels(channels: Readonly<Record<string, ChannelOptions>>): void {
    this.#context.rules.replace(channels);
  }

  /** Like `setChannels`, in two steps: the returned function applies the options and cannot fail. @throws ZocaloError BAD_OPTION. */
  prepareChannels(channels: Readonly<Record<string, ChannelOptions>>): () => void {
    return this.#context.rules.prepare(channels);
  }

  /** Whether an entry of the option `channels` matches this channel. The program itself may use others too. */
  offers(channel: string): boolean {
    return this.#context.rules.has(channel);
  }

  /** The names and patterns of the option `channels`. */
  get offered(): readonly string[] {
    return this.#context.rules.names;
  }

  /**
   * Registers an observer of everything that happens here. Returns a function that removes it. @throws ZocaloError
   * BAD_OPTION for an event that there is not.
   */
  observe(observer: HubObserver): () => void {
    return this.#context.observers.add(observer);
  }

  // ——— for transports

  /** Adds a transport's fan-out. Returns a function that removes it. */
  addFanOut(fanOut: FanOut): () => void {
    return this.#fanOuts.add(fanOut);
  }

  /** Adds a connection that speaks the protocol. Call its `receive`, `slow` and `lost`. */
  connect(wire: Wire, request?: VisitorRequest): Connection {
    const connection = new Connection(
      this.#context,
      wire,
      request,
      (connection) => new Requests(this.#context, connection),
    );
    connection.start();
    return connection;
  }

  /**
   * Adds a connection that only uses text, in one channel. `isTrusted`: it needs no rights there, and no function of the
   * options is asked; default false.
   */
  connectText(
    wire: Wire,
    channel: string,
    request?: VisitorRequest,
    { isTrusted = false }: { readonly isTrusted?: boolean } = {},
  ): TextConnection {
    const connection = new TextConnection(this.#context, wire, channel, request, isTrusted);
    connection.start();
    return connection;
  }
}
