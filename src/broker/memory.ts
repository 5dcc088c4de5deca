import { type Clock, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { checkNames, type OptionNames } from '../option-names.ts';
import type { Position } from '../protocol/index.ts';
import {
  type Broker,
  DEFAULT_KEEP,
  type Erasable,
  gapBetween,
  type Keep,
  type Listener,
  type LogGap,
  type LogState,
  type Page,
  type PageBounds,
  type Publication,
  type Receipt,
  type Rewritable,
} from './broker.ts';
import { Epochs, newSeed } from './epochs.ts';
import { dataDigest, KeyTable, nameDigest } from './key-table.ts';
import { DEFAULT_KEY_WINDOW, type KeyWindow, keyReused, noRoom } from './key-window.ts';
import { Log } from './log.ts';
import { LogTime } from './log-time.ts';
import { MemoryQueues } from './memory-queues.ts';
import {
  type Queued,
  type Queueing,
  type QueueOptions,
  type QueueState,
  queueFull,
  type SetAside,
} from './queueing.ts';
import { Sequences } from './sequences.ts';
import { raise, Watchers } from './watchers.ts';

export interface MemoryOptions {
  /** Approximate bytes of all channels' entries; default 256 MiB. */
  bytes?: number;
  /** Number of logs; default 100,000. An empty one takes about 300 bytes. */
  channels?: number;
  /** How long keys are known, and how many; default 10 minutes and 4,000,000. */
  keys?: Partial<KeyWindow>;
  clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  now?: () => number;
  /** Called with what a listener of `watch` throws. Default: throws it as an uncaught error. */
  onError?: (error: unknown) => void;
}

const NAMES: OptionNames<MemoryOptions> = {
  bytes: true,
  channels: true,
  keys: true,
  clock: true,
  now: true,
  onError: true,
};

/** How often expired entries are removed where nobody reads or publishes. */
const SWEEP = 60_000;

/**
 * A Map keeps holes where entries were deleted, and finding its oldest entry skips them; so old entries are removed a
 * sixty-fourth at a time.
 */
const share = (limit: number) => Math.ceil(limit / 64);

/**
 * Logs that live as long as the process. A publication is in the log when `publish` returns.
 *
 * Each channel keeps what its `Keep` says. When all entries together exceed `bytes`, the oldest entries of the least
 * recently published channel are removed, which readers see as a gap. When there are more than `channels` logs, the
 * least recently used one is removed completely, with its epoch.
 */
export class MemoryBroker implements Broker, Erasable, Rewritable, Queueing {
  #bytesLimit: number;
  #channelsLimit: number;
  #clock: Clock;
  #time: LogTime;
  #epochs = new Epochs(newSeed());
  #watchers: Watchers;
  /** All logs, the least recently used first. */
  #logs = new Map<string, Log>();
  /** Logs with entries, the least recently published first. */
  #filled = new Map<string, Log>();
  #keys: KeyTable;
  #sequences = new Sequences();
  readonly #queues = new MemoryQueues();
  #bytes = 0;
  #phase: 'new' | 'open' | 'closed' = 'new';
  #stopSweeping: () => void = () => {};

  constructor(options: MemoryOptions = {}) {
    checkNames(options, NAMES, 'of memory');
    this.#bytesLimit = options.bytes ?? 256 << 20;
    this.#channelsLimit = options.channels ?? 100_000;
    this.#keys = new KeyTable({ ...DEFAULT_KEY_WINDOW, ...options.keys });
    this.#clock = options.clock ?? systemClock;
    this.#time = new LogTime(options.now ?? Date.now, this.#clock);
    this.#watchers = new Watchers(options.onError ?? raise);
  }

  async open(): Promise<void> {
    if (this.#phase !== 'new') throw this.#closed();
    this.#phase = 'open';
    this.#time.begin();
    this.#stopSweeping = this.#clock.every(SWEEP, () => this.#sweep());
  }

  async publish(channel: string, publication: Publication): Promise<Receipt> {
    const {
      data,
      meta = null,
      key,
      owner,
      sent = data,
      keep = DEFAULT_KEEP,
      origin,
      sequence,
      isUnqueued,
    } = publication;
    const refusal = this.#sequences.refusalOf(sequence);
    if (refusal) throw refusal;
    const found = this.#find(channel);
    const epoch = found ? found.epoch : this.#epochs.next(channel);
    const moment = this.#time.look();
    let name = '';
    let digest = '';
    if (key !== undefined) {
      // Keys belong to the log: they are forgotten with it.
      name = nameDigest(epoch, key);
      digest = dataDigest(sent);
      const known = this.#keys.find(name, digest, moment);
      if (known?.isSame) return { position: [epoch, known.offset], duplicate: true };
      if (known) throw new ZocaloError('KEY_REUSED', keyReused(channel, key));
      if (!this.#keys.hasRoom(owner, moment))
        throw this.#sequences.refuse(sequence, new ZocaloError('LOG_BUSY', noRoom(channel, owner)));
    }
    const full = isUnqueued ? undefined : this.#queues.full(channel);
    if (full) throw this.#sequences.refuse(sequence, new ZocaloError('LOG_BUSY', queueFull(channel, full)));
    const log = found ?? this.#add(channel, epoch);
    const before = log.bytes;
    const entry = log.append(moment, data, meta, keep);
    const position: Position = [epoch, entry.offset];
    if (key !== undefined) this.#keys.add(name, digest, entry.offset, moment.now, owner);
    this.#bytes += log.bytes - before;
    this.#filled.delete(channel);
    if (log.bytes > 0) this.#filled.set(channel, log);
    if (this.#bytes > this.#bytesLimit) this.#shed();
    if (this.#queues.isUsed && !isUnqueued) this.#queues.add({ ...entry, channel, epoch }, moment.now);
    this.#watchers.tell(channel, log.epoch, [origin ? { ...entry, origin } : entry]);
    return { position, duplicate: false };
  }

  async read(channel: string, after: Position, bounds: PageBounds = {}): Promise<Page | LogGap> {
    const log = this.#find(channel);
    if (!log) return gapBetween(after, this.#none(channel)) ?? { ...this.#none(channel), entries: [] };
    this.#expire(channel, log);
    return gapBetween(after, log) ?? { ...ends(log), entries: log.page(after[1], bounds) };
  }

  async state(channel: string): Promise<LogState> {
    const log = this.#find(channel);
    if (!log) return this.#none(channel);
    this.#expire(channel, log);
    return ends(log);
  }

  async trim(channel: string, keep: Keep): Promise<LogState> {
    const log = this.#find(channel);
    if (!log) return this.#none(channel);
    this.#expire(channel, log, keep);
    return ends(log);
  }

  async rewrite(
    channel: string,
    at: Position,
    { data, meta }: { data: string; meta: string | null },
  ): Promise<boolean> {
    if (this.#phase !== 'open') throw this.#closed();
    const log = this.#find(channel);
    if (!log || log.epoch !== at[0]) return false;
    this.#expire(channel, log);
    const before = log.bytes;
    const isThere = log.rewrite(at[1], data, meta);
    this.#bytes += log.bytes - before;
    if (this.#bytes > this.#bytesLimit) this.#shed();
    return isThere;
  }

  async forget(channel: string): Promise<void> {
    if (this.#phase !== 'open') throw this.#closed();
    this.#epochs.end(channel);
    this.#drop(channel);
  }

  async useQueues(queues: readonly QueueOptions[]): Promise<string> {
    if (this.#phase !== 'open') throw this.#closed();
    return this.#queues.use(queues);
  }

  async queued(queue: string, { limit, bytes }: { limit: number; bytes: number }): Promise<readonly Queued[]> {
    if (this.#phase !== 'open') throw this.#closed();
    return this.#queues.page(queue, limit, bytes);
  }

  async settle(queue: string, upTo: number): Promise<void> {
    this.#queues.settle(queue, upTo);
  }

  async setAside(queue: string, place: number, reason: string): Promise<void> {
    this.#queues.setAside(queue, place, reason);
  }

  async aside(
    queue: string,
    { after = 0, limit, bytes }: { after?: number; limit: number; bytes: number },
  ): Promise<readonly SetAside[]> {
    return this.#queues.aside(queue, after, limit, bytes);
  }

  async retry(queue: string, places?: readonly number[]): Promise<number> {
    return this.#queues.retry(queue, places, this.#time.look().now);
  }

  async drop(queue: string, places: readonly number[]): Promise<number> {
    return this.#queues.drop(queue, places);
  }

  async queueState(queue: string): Promise<QueueState> {
    return this.#queues.state(queue);
  }

  async watch(channelOrPattern: string, listener: Listener): Promise<() => void> {
    if (this.#phase !== 'open') throw this.#closed();
    return this.#watchers.add(channelOrPattern, listener);
  }

  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#stopSweeping();
    this.#logs.clear();
    this.#filled.clear();
  }

  /** The channel's log, if it has one; it is then the most recently used one. */
  #find(channel: string): Log | undefined {
    if (this.#phase !== 'open') throw this.#closed();
    const log = this.#logs.get(channel);
    if (!log) return undefined;
    this.#logs.delete(channel);
    this.#logs.set(channel, log);
    return log;
  }

  /** The state of a channel without a log. */
  #none(channel: string): LogState {
    return { epoch: this.#epochs.next(channel), oldest: 1, head: 0 };
  }

  /** Creates the log of a channel that has none. */
  #add(channel: string, epoch: string): Log {
    const log = new Log(epoch, DEFAULT_KEEP);
    this.#logs.set(channel, log);
    if (this.#logs.size > this.#channelsLimit) {
      let excess = share(this.#channelsLimit);
      for (const oldest of this.#logs.keys()) {
        if (oldest === channel || excess-- === 0) break;
        this.#epochs.end(oldest);
        this.#drop(oldest);
      }
    }
    return log;
  }

  #drop(channel: string): void {
    const log = this.#logs.get(channel);
    if (!log) return;
    this.#bytes -= log.bytes;
    this.#logs.delete(channel);
    this.#filled.delete(channel);
  }

  #expire(channel: string, log: Log, keep?: Keep): void {
    const before = log.bytes;
    const moment = this.#time.look();
    log.expire(moment);
    if (keep) log.trim(moment, keep);
    this.#bytes += log.bytes - before;
    if (log.bytes === 0) this.#filled.delete(channel);
  }

  #shed(): void {
    const goal = this.#bytesLimit - share(this.#bytesLimit);
    for (const [channel, log] of this.#filled) {
      while (log.bytes > 0 && this.#bytes > goal) {
        const before = log.bytes;
        log.drop();
        this.#bytes += log.bytes - before;
      }
      if (log.bytes > 0) return;
      this.#filled.delete(channel);
    }
  }

  #sweep(): void {
    for (const [channel, log] of this.#filled) this.#expire(channel, log);
    this.#keys.purge(this.#time.look());
  }

  #closed(): ZocaloError {
    return new ZocaloError(
      'LOG_CLOSED',
      `the memory broker is ${this.#phase === 'new' ? 'not open yet' : this.#phase}`,
    );
  }
}

/** Logs in this process's memory. See `MemoryBroker` for what is kept. */
export function memory(options?: MemoryOptions): Broker & Erasable & Rewritable & Queueing {
  return new MemoryBroker(options);
}

function ends({ epoch, oldest, head }: Log): LogState {
  return { epoch, oldest, head };
}
