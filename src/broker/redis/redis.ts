import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Position } from '../../protocol/index.ts';
import {
  type Broker,
  DEFAULT_BYTES,
  DEFAULT_LIMIT,
  type Erasable,
  gapBetween,
  type Keep,
  type Listener,
  type LogGap,
  type LogState,
  type Page,
  type PageBounds,
  type Publication,
  type Reachable,
  type Receipt,
  type Rewritable,
} from '../broker.ts';
import { newSeed } from '../epochs.ts';
import { DEFAULT_KEY_WINDOW, type KeyWindow } from '../key-window.ts';
import { LogTime, type Moment } from '../log-time.ts';
import { raise, Watchers } from '../watchers.ts';
import { SharedAccess } from './access.ts';
import { parseAddress, placeOf, type RedisAddress } from './addresses.ts';
import { Appender } from './appender.ts';
import { connectTo } from './connecting.ts';
import { type Durability, replicasOf } from './durability.ts';
import type { Feed } from './feed.ts';
import { RedisFollowUps } from './follow-ups.ts';
import { HeadCheck } from './head-check.ts';
import { Heads } from './heads.ts';
import { Heard } from './heard.ts';
import { KeyRoom } from './key-room.ts';
import { type ChannelKeys, DEFAULT_PREFIX, Keys } from './keys.ts';
import { finite, Lanes } from './lanes.ts';
import type { Link } from './link.ts';
import { readEntries, readNews } from './news.ts';
import { once } from './once.ts';
import { Replication } from './replication.ts';
import { FIELD } from './scripts.ts';
import { ServerTime } from './server-time.ts';
import { Told } from './told.ts';
import { untilThere, type Waiting } from './waiting.ts';

export interface RedisOptions {
  /** What the names of all keys and topics begin with; default `zocalo`. One for each cluster of nodes that shares a Redis. */
  prefix?: string;
  /** What an acknowledged publication has survived; default `memory`. */
  durability?: Durability;
  /** How long keys are known, and how many of each process; default 10 minutes and 4,000,000. */
  keys?: Partial<KeyWindow>;
  /** Milliseconds after which an empty log that nobody publishes to is forgotten; default a week. */
  forgetAfter?: number;
  /** Milliseconds between two comparisons of what was heard with the heads of the logs; default 5,000. */
  headCheck?: number;
  /** Milliseconds of silence after which the subscriptions are probed; default 10,000. */
  probe?: number;
  /** Bytes of publications that may wait for Redis; default 64 MiB. */
  queueBytes?: number;
  /** Milliseconds until a connection must stand; default 5,000. */
  connectTimeout?: number;
  /** Milliseconds that an answer may take before the connection counts as dead; default 5,000. */
  answerTimeout?: number;
  /** Default: `open` rejects when Redis is away. */
  waiting?: Waiting;
  clock?: Clock;
  /** Milliseconds since 1970; default: the clock of the Redis server, so that all processes have the same time. */
  now?: () => number;
  /** 0 to 1; default `Math.random`. */
  random?: () => number;
  /** Called with what a listener of `watch` throws. Default: throws it as an uncaught error. */
  onError?: (error: unknown) => void;
}

/**
 * Logs in Redis or Valkey, which any number of processes share. An acknowledged publication survives the death of any of
 * them, and what else `durability` says.
 *
 * While Redis is away, calls reject at once, and the connections are made again without end. What is published by others
 * meanwhile is read from the log afterwards.
 */
export class RedisBroker implements Broker, Erasable, Rewritable, Reachable {
  /** Its connections, for what else the nodes keep in this store. */
  readonly access: SharedAccess;
  readonly followUps: RedisFollowUps;
  readonly #address: RedisAddress;
  readonly #place: string;
  readonly #options: RedisOptions;
  readonly #clock: Clock;
  readonly #window: KeyWindow;
  readonly #forgetAfter: number;
  readonly #node = randomBytes(9).toString('base64url');
  readonly #seed = newSeed();
  readonly #serverTime: ServerTime;
  readonly #time: LogTime;
  readonly #watchers: Watchers;
  readonly #heard: Heard;
  readonly #replication: Replication;
  readonly #names = new Map<string, number>();
  #phase: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new';
  #keys: Keys;
  #link!: Link;
  #feed!: Feed;
  #disconnect = (): void => {};
  #heads!: Heads;
  #lanes!: Lanes;
  #appender!: Appender;
  #told!: Told;
  #headCheck!: HeadCheck;
  #calls = 0;
  #stopTicking = (): void => {};

  constructor(address: string, options: RedisOptions = {}) {
    this.#address = parseAddress(address);
    this.#place = placeOf(this.#address);
    this.access = new SharedAccess(this.#place, this.#address.kind === 'cluster');
    this.followUps = new RedisFollowUps(this.access, this.read.bind(this), () => this.#moment().now);
    const { prefix, durability } = this.#address;
    this.#options = { ...(prefix !== undefined && { prefix }), ...(durability && { durability }), ...options };
    this.#clock = options.clock ?? systemClock;
    this.#window = { ...DEFAULT_KEY_WINDOW, ...options.keys };
    this.#forgetAfter = options.forgetAfter ?? 7 * 24 * 3_600_000;
    this.#serverTime = new ServerTime(this.#clock);
    this.#time = new LogTime(options.now ?? this.#serverTime.now, this.#clock);
    this.#watchers = new Watchers(options.onError ?? raise);
    this.#heard = new Heard(this.#watchers);
    const replicas = replicasOf(this.#options.durability ?? 'memory');
    this.#replication = new Replication(this.#place, replicas, Math.ceil((options.answerTimeout ?? 5_000) / 2));
    this.#keys = new Keys(this.#options.prefix);
  }

  /** Rejects with DRIVER_MISSING, LOG_UNREACHABLE, LOG_DENIED, LOG_UNSUITABLE or LOG_READ_ONLY. */
  async open(): Promise<void> {
    if (this.#phase !== 'new') throw this.#closed();
    this.#phase = 'opening';
    const { waiting } = this.#options;
    try {
      await (waiting ? untilThere(() => this.#open(), waiting, this.#clock) : this.#open());
    } catch (error) {
      this.#phase = 'closed';
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { prefix = DEFAULT_PREFIX, durability = 'memory', headCheck = 5_000, probe = 10_000 } = this.#options;
    const { connectTimeout = 5_000, answerTimeout = 5_000, random = Math.random } = this.#options;
    const isCluster = this.#address.kind === 'cluster';
    const connections = await connectTo(this.#address, {
      place: this.#place,
      clock: this.#clock,
      times: { connect: connectTimeout, silence: answerTimeout, random },
      isDurable: durability === 'disk' && this.#address.kind === 'single',
      prefix,
      node: this.#node,
      probe,
      onBack: () => void this.#back(),
      onMessage: (topic, message) => this.#hear(topic, message),
    });
    this.#link = connections.link;
    this.#feed = connections.feed;
    this.#disconnect = connections.close;
    this.#keys = connections.keys;
    const { room, moment } = { room: new KeyRoom(this.#window), moment: () => this.#moment() };
    this.#heads = new Heads(this.#link, this.#keys, isCluster);
    this.#headCheck = new HeadCheck({
      clock: this.#clock,
      period: headCheck,
      heard: this.#heard,
      // A server of a cluster that is away keeps nobody from looking at the others.
      headsOf: (channels) => Promise.all(channels.map((channel) => this.#heads.of(channel).catch(() => undefined))),
      repair: (channel) => this.#told.repair(channel).catch(() => {}), // its return is a reason to check again
    });
    this.#told = new Told({
      clock: this.#clock,
      heard: this.#heard,
      isListening: (channel) => this.#watchers.has(channel),
      isHearing: () => this.#feed.isHere,
      read: (channel, after) => this.read(channel, after),
      withOrigins: (...of) => this.#appender.withOrigins(...of),
    });
    this.#appender = new Appender({
      link: this.#link,
      keys: this.#keys,
      window: this.#window,
      room,
      moment,
      common: (keys, moment) => this.#common(keys, moment),
      forgetAfter: this.#forgetAfter,
      node: this.#node,
      announce: this.#keys.isSharded ? 'SPUBLISH' : 'PUBLISH',
      confirm: (server) => this.#replication.confirm(server),
      told: (call) => this.#told.wait(call),
    });
    this.#lanes = new Lanes({
      append: (channel, items) => this.#appender.append(channel, items),
      cork: () => this.#link.cork(),
      uncork: () => this.#link.uncork(),
    });
    try {
      await this.#tick();
      this.#time.begin(await this.#lastTime(isCluster));
    } catch (error) {
      this.#disconnect();
      throw error;
    }
    this.#phase = 'open';
    this.access.connect({ link: this.#link, feed: this.#feed, keys: this.#keys });
    this.#headCheck.start();
    this.#stopTicking = this.#clock.every(headCheck, () => {
      this.#tick()
        .then(() => this.#link.callAt(0, 'set', this.#keys.time, this.#moment().now))
        .catch(() => {}); // with the next tick
    });
  }

  async publish(channel: string, publication: Publication): Promise<Receipt> {
    this.#checkLink();
    const limit = this.#options.queueBytes ?? 64 << 20;
    if (this.#lanes.bytes > limit)
      throw new ZocaloError('LOG_BUSY', `${this.#place}: ${this.#lanes.bytes} bytes wait for Redis`);
    return this.#lanes.publish(channel, publication);
  }

  async read(channel: string, after: Position, { limit = DEFAULT_LIMIT, bytes = DEFAULT_BYTES }: PageBounds = {}) {
    const fields = await this.#ask(channel, 'read', after[0], after[1], limit, bytes);
    const log = stateOf(fields);
    const gap = gapBetween(after, log);
    if (!gap) return { ...log, entries: readEntries(fields, after[1] + 1, 5) } satisfies Page as Page | LogGap;
    // The log goes on under another epoch: what the reader had of it before is what it has now.
    const continues = Math.min(after[1], Number(fields[4]));
    if (gap.gap === 'epoch' && fields[3] === after[0] && continues >= log.oldest - 1) gap.continues = continues;
    return gap;
  }

  async state(channel: string): Promise<LogState> {
    return stateOf(await this.#ask(channel, 'state'));
  }

  async trim(channel: string, { size, ttl }: Keep): Promise<LogState> {
    return stateOf(await this.#ask(channel, 'trim', finite(size), finite(ttl)));
  }

  async rewrite(
    channel: string,
    at: Position,
    { data, meta }: { data: string; meta: string | null },
  ): Promise<boolean> {
    const [isThere] = await this.#ask(channel, 'rewrite', at[0], at[1], data, meta ?? '');
    return isThere === '1';
  }

  async forget(channel: string): Promise<void> {
    await this.#ask(channel, 'forget');
  }

  async watch(channelOrPattern: string, listener: Listener): Promise<() => void> {
    if (this.#phase !== 'open') throw this.#closed();
    if (channelOrPattern.includes('*')) {
      const { topics, isGlob } = this.#keys.topicsOf(channelOrPattern);
      await this.#feed.add(topics, isGlob);
      const stop = this.#watchers.add(channelOrPattern, listener);
      return once(() => {
        stop();
        this.#feed.remove(topics, isGlob);
      });
    }
    const topics = [this.#keys.of(channelOrPattern).topic];
    await this.#feed.add(topics);
    const stop = this.#watchers.add(channelOrPattern, listener);
    this.#names.set(channelOrPattern, (this.#names.get(channelOrPattern) ?? 0) + 1);
    const end = once(() => {
      stop();
      this.#feed.remove(topics);
      const count = this.#names.get(channelOrPattern)! - 1;
      if (count > 0) this.#names.set(channelOrPattern, count);
      else {
        this.#names.delete(channelOrPattern);
        this.#heard.end(channelOrPattern);
      }
    });
    try {
      if (!this.#heard.watched.has(channelOrPattern)) {
        const [epoch, head] = (await this.#heads.of(channelOrPattern)) ?? ['', 0];
        if (this.#names.has(channelOrPattern)) this.#heard.begin(channelOrPattern, epoch, head);
      }
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  trouble(): string | undefined {
    if (this.#phase !== 'open') return 'the store is not open';
    const { fault, trouble } = this.#link;
    if (fault) return `the store cannot be reached: ${fault.code}`;
    if (trouble) return `a part of the store cannot be reached: ${trouble.code}`;
    if (!this.#feed.isHere) return 'the connection for subscriptions to the store is being made again';
    return this.#feed.isDeaf ? 'the subscriptions to the store hear nothing' : undefined;
  }

  async close(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#stopTicking();
    this.#headCheck.stop();
    await this.#lanes.drain();
    await this.#appender.drain();
    this.#disconnect();
    this.#phase = 'closed';
  }

  /** Runs the script of a log, after what was asked of the channel before. */
  async #ask(channel: string, ...words: (string | number)[]): Promise<string[]> {
    this.#checkLink();
    const keys = this.#keys.of(channel);
    return this.#lanes.ask(channel, async () => {
      const args = [...this.#common(keys, this.#moment()), ...words];
      return (await this.#link.ask(keys.partition, [keys.seeds, keys.log, keys.entries], args)) as string[];
    });
  }

  #common({ channel, bucket }: ChannelKeys, { now, sure, since }: Moment): (string | number)[] {
    // Shorter than any log lives after its last publication: see scripts.ts.
    const era = Math.max(1, Math.floor(this.#forgetAfter / 2_000));
    // Another one for each call: if Redis was emptied, its new epochs must not be those from before.
    return [channel, bucket, `${this.#seed}.${++this.#calls}`, now, sure, since, era];
  }

  #hear(topic: string, message: string): void {
    if (this.access.hear(topic, message)) return;
    const end = message.indexOf(FIELD);
    if (end < 0 || !this.#watchers.has(message.slice(0, end))) return;
    if (message[end + 1] === FIELD) {
      this.access.hearWords(message);
      return;
    }
    const news = readNews(message);
    if (!news) return;
    const entries = news.node === this.#node ? this.#appender.recognize(news) : news.entries;
    this.#told.tell(news.channel, news.epoch, entries);
  }

  /** A connection stands again: something may have been missed. */
  async #back(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.access.back();
    await this.#tick().catch(() => {});
    await this.#headCheck.check();
  }

  async #tick(): Promise<void> {
    if (!this.#options.now) await this.#serverTime.measure(() => this.#link.call('time'));
  }

  /** When the store was last used. Null for a new one, and where that part of a cluster is away. */
  async #lastTime(isCluster: boolean): Promise<number | null> {
    try {
      return Number((await this.#link.callAt(0, 'get', this.#keys.time)) ?? Number.NaN) || null;
    } catch (error) {
      if (isCluster) return null;
      throw error;
    }
  }

  #moment(): Moment {
    const { now, sure, since } = this.#time.look();
    return { now, sure, since };
  }

  #checkLink(): void {
    if (this.#phase !== 'open') throw this.#closed();
    if (this.#link.fault) throw this.#link.fault;
  }

  #closed(): ZocaloError {
    const phase = this.#phase === 'new' || this.#phase === 'opening' ? 'not open yet' : 'closed';
    return new ZocaloError('LOG_CLOSED', `the broker of ${this.#place} is ${phase}`);
  }
}

/** Logs in Redis or Valkey. See `RedisBroker` for its guarantees, and `parseAddress` for addresses. */
export function redis(address: string, options?: RedisOptions): Broker & Erasable & Rewritable & Reachable {
  return new RedisBroker(address, options);
}

function stateOf([epoch = '', oldest, head]: readonly string[]): LogState {
  return { epoch, oldest: Number(oldest), head: Number(head) };
}
