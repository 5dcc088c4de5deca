import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { checkNames, type OptionNames } from '../option-names.ts';
import type { Position } from '../protocol/index.ts';
import { quietSqlite, workerFile } from '../runtime.ts';
import {
  type Broker,
  DEFAULT_BYTES,
  DEFAULT_KEEP,
  DEFAULT_LIMIT,
  type Entry,
  type Erasable,
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
import { DEFAULT_KEY_WINDOW, type KeyWindow } from './key-window.ts';
import { LogTime, type Moment } from './log-time.ts';
import type { Queued, Queueing, QueueOptions, QueueState, SetAside } from './queueing.ts';
import { Sequences } from './sequences.ts';
import type {
  Appended,
  Columns,
  FromStore,
  Operation,
  Outcome,
  QueueChange,
  StoreOptions,
  ToStore,
} from './sqlite-messages.ts';
import { raise, Watchers } from './watchers.ts';

export interface SqliteOptions {
  /** The maximum size of the database; then publishes reject with LOG_FULL. Default: as large as the disk. */
  bytes?: number;
  /** Milliseconds to wait for another program's lock before publishes reject with LOG_LOCKED; default 1,000. */
  lockTimeout?: number;
  /** How long keys are known, and how many; default 10 minutes and 4,000,000. Kept over a restart. */
  keys?: Partial<KeyWindow>;
  /**
   * Milliseconds after the last publication when the identity of an empty log is forgotten, with everything that the
   * file has about the channel; default 7 days.
   */
  forgetAfter?: number;
  /** Bytes of publications that may wait for the disk; beyond that, LOG_BUSY. Default 64 MiB. */
  queueBytes?: number;
  clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  now?: () => number;
  /** Called with what a listener of `watch` throws. Default: throws it as an uncaught error. */
  onError?: (error: unknown) => void;
}

const NAMES: OptionNames<SqliteOptions> = {
  bytes: true,
  lockTimeout: true,
  keys: true,
  forgetAfter: true,
  queueBytes: true,
  clock: true,
  now: true,
  onError: true,
};

/** Limits of one transaction, so that what waits behind it does not wait long. */
const BATCH_OPERATIONS = 2_048;
const BATCH_BYTES = 8 << 20;
/** What an operation counts in the queue besides its texts. */
const OPERATION_BYTES = 256;
const SWEEP = 10_000;

interface Waiting {
  operation: Operation;
  bytes: number;
  origin: object | undefined;
  sequence: object | undefined;
  resolve: (outcome: Outcome) => void;
  reject: (error: ZocaloError) => void;
}

/**
 * Logs in an SQLite file. A publication is acknowledged when its transaction is on the disk, so that it survives `kill
 * -9` and a power cut; everything published in one turn of the event loop, or while the disk is busy, shares a
 * transaction. The database has its own thread, and belongs to one process at a time.
 *
 * Free space is reused; the file does not shrink. A file restored from a backup does not know that later publications
 * were lost: delete it instead, or call `forget` for its channels, before users come back.
 */
export class SqliteBroker implements Broker, Erasable, Rewritable, Queueing {
  #store: Omit<StoreOptions, 'now'>;
  #queueLimit: number;
  #clock: Clock;
  #now: () => number;
  #time: LogTime;
  #watchers: Watchers;
  #worker: Worker | undefined;
  #seed = '';
  #phase: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new';
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #committing: Waiting[] = [];
  #scheduled = false;
  #stopSweeping: () => void = () => {};
  #drained: (() => void) | undefined;
  #sequences = new Sequences();

  constructor(path: string, options: SqliteOptions = {}) {
    checkNames(options, NAMES, 'of sqlite');
    this.#store = {
      path,
      bytes: options.bytes ?? Number.POSITIVE_INFINITY,
      lockTimeout: options.lockTimeout ?? 1_000,
      keys: { ...DEFAULT_KEY_WINDOW, ...options.keys },
      forgetAfter: options.forgetAfter ?? 7 * 24 * 3_600_000,
    };
    this.#queueLimit = options.queueBytes ?? 64 << 20;
    this.#clock = options.clock ?? systemClock;
    this.#now = options.now ?? Date.now;
    this.#time = new LogTime(this.#now, this.#clock);
    this.#watchers = new Watchers(options.onError ?? raise);
  }

  /** Rejects with LOG_IN_USE when another process has the file, or with what prevents opening it. */
  async open(): Promise<void> {
    if (this.#phase !== 'new') throw this.#closed();
    this.#phase = 'opening';
    const worker = new Worker(workerFile('sqlite-worker', import.meta.url, 'sqlite()'), {
      workerData: { ...this.#store, now: this.#now() } satisfies StoreOptions,
      ...quietSqlite(),
    });
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromStore) => {
        if (message.kind === 'done') return this.#done(message.outcomes);
        if (message.kind === 'ready') {
          this.#seed = message.seed;
          return resolve(this.#time.begin(message.newest));
        }
        reject(new ZocaloError(message.failure.code, message.failure.happened));
      });
      worker.on('error', (cause) => this.#fail(cause, reject));
      worker.on('exit', () => this.#fail(undefined, reject));
    });
    this.#phase = 'open';
    this.#idle();
    this.#stopSweeping = this.#clock.every(SWEEP, () => this.#post({ kind: 'sweep', moment: this.#moment() }));
  }

  async publish(channel: string, publication: Publication): Promise<Receipt> {
    const { data, meta = null, key = null, owner = null, sent = null, keep = DEFAULT_KEEP } = publication;
    const { origin, sequence, isUnqueued = false } = publication;
    const refusal = this.#sequences.refusalOf(sequence);
    if (refusal) throw refusal;
    const bytes = OPERATION_BYTES + 2 * (data.length + (meta?.length ?? 0) + (sent?.length ?? 0));
    if (this.#queueBytes + bytes > this.#queueLimit) {
      const happened = `${this.#store.path}: ${this.#queueBytes} bytes wait for the disk`;
      throw this.#sequences.refuse(sequence, new ZocaloError('LOG_BUSY', happened));
    }
    const { size, ttl } = keep;
    const number = sequence ? this.#sequences.numberOf(sequence) : null;
    const operation = ['publish', channel, data, meta, key, owner, size, ttl, sent, number, isUnqueued] as const;
    const appended = await this.#ask(operation, bytes, origin, sequence);
    const [epoch, offset, , duplicate] = appended as Appended;
    return { position: [epoch, offset], duplicate };
  }

  async read(channel: string, after: Position, bounds: PageBounds = {}): Promise<Page | LogGap> {
    const { limit = DEFAULT_LIMIT, bytes = DEFAULT_BYTES } = bounds;
    const outcome = await this.#ask(['read', channel, after[0], after[1], limit, bytes]);
    if ('gap' in outcome) return outcome as LogGap;
    const { epoch, oldest, head, from, times, data, meta } = outcome as Columns;
    const entries: Entry[] = times.map((time, at) => ({ offset: from + at, time, data: data[at]!, meta: meta[at]! }));
    return { epoch, oldest, head, entries };
  }

  async state(channel: string): Promise<LogState> {
    return (await this.#ask(['state', channel])) as LogState;
  }

  async trim(channel: string, { size, ttl }: Keep): Promise<LogState> {
    return (await this.#ask(['trim', channel, size, ttl])) as LogState;
  }

  async rewrite(
    channel: string,
    at: Position,
    { data, meta }: { data: string; meta: string | null },
  ): Promise<boolean> {
    const bytes = OPERATION_BYTES + 2 * (data.length + (meta?.length ?? 0));
    const { changed } = (await this.#ask(['rewrite', channel, at[0], at[1], data, meta], bytes)) as { changed: number };
    return changed > 0;
  }

  async forget(channel: string): Promise<void> {
    await this.#ask(['forget', channel]);
  }

  async useQueues(queues: readonly QueueOptions[]): Promise<string> {
    await this.#changeQueue(['use', queues]);
    return this.#seed;
  }

  async queued(queue: string, { limit, bytes }: { limit: number; bytes: number }): Promise<readonly Queued[]> {
    const { rows } = (await this.#ask(['askQueue', ['page', queue, limit, bytes]])) as { rows: Queued[] };
    return rows;
  }

  async settle(queue: string, upTo: number): Promise<void> {
    await this.#changeQueue(['settle', queue, upTo]);
  }

  async setAside(queue: string, place: number, reason: string): Promise<void> {
    await this.#changeQueue(['setAside', queue, place, reason]);
  }

  async aside(
    queue: string,
    { after = 0, limit, bytes }: { after?: number; limit: number; bytes: number },
  ): Promise<readonly SetAside[]> {
    const { rows } = (await this.#ask(['askQueue', ['aside', queue, limit, bytes, after]])) as { rows: SetAside[] };
    return rows;
  }

  retry(queue: string, places?: readonly number[]): Promise<number> {
    return this.#changeQueue(['retry', queue, places]);
  }

  drop(queue: string, places: readonly number[]): Promise<number> {
    return this.#changeQueue(['drop', queue, places]);
  }

  async queueState(queue: string): Promise<QueueState> {
    return (await this.#ask(['askQueue', ['state', queue]])) as QueueState;
  }

  async #changeQueue(change: QueueChange): Promise<number> {
    const { changed } = (await this.#ask(['changeQueue', change])) as { changed: number };
    return changed;
  }

  async watch(channelOrPattern: string, listener: Listener): Promise<() => void> {
    if (this.#phase !== 'open') throw this.#closed();
    return this.#watchers.add(channelOrPattern, listener);
  }

  async close(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#stopSweeping();
    if (this.#queue.length + this.#committing.length > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    const worker = this.#worker;
    if (!worker) return;
    worker.ref();
    await new Promise((resolve) => {
      worker.once('exit', resolve);
      this.#post({ kind: 'close' });
    });
  }

  #ask(operation: Operation, bytes = OPERATION_BYTES, origin?: object, sequence?: object): Promise<Outcome> {
    if (this.#phase !== 'open') return Promise.reject(this.#closed());
    return new Promise((resolve, reject) => {
      this.#queueBytes += bytes;
      this.#queue.push({ operation, bytes, origin, sequence, resolve, reject });
      this.#schedule();
    });
  }

  /** At the end of the turn, so that all its publishes share a transaction; and one transaction at a time. */
  #schedule(): void {
    if (this.#scheduled || this.#committing.length > 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#queue.length === 0) {
      this.#idle();
      return;
    }
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < BATCH_OPERATIONS && bytes < BATCH_BYTES) {
      bytes += this.#queue[count++]!.bytes;
    }
    this.#committing = this.#queue.splice(0, count);
    this.#queueBytes -= bytes;
    this.#worker?.ref();
    const operations = this.#committing.map(({ operation }) => operation);
    this.#post({ kind: 'batch', moment: this.#moment(), operations });
  }

  #done(outcomes: Outcome[]): void {
    const batch = this.#committing;
    this.#committing = [];
    this.#announce(batch, outcomes);
    for (let at = 0; at < batch.length; at++) {
      const outcome = outcomes[at]!;
      const { sequence, resolve, reject } = batch[at]!;
      if ('happened' in outcome)
        reject(this.#sequences.refuse(sequence, new ZocaloError(outcome.code, outcome.happened)));
      else resolve(outcome);
    }
    if (outcomes.some((outcome) => 'happened' in outcome)) this.#refuseFollowers();
    this.#schedule();
  }

  /** Takes out of the queue what must not pass a publication that was refused. */
  #refuseFollowers(): void {
    const [left, refused] = [[] as Waiting[], [] as Waiting[]];
    for (const waiting of this.#queue)
      (this.#sequences.refusalOf(waiting.sequence) === undefined ? left : refused).push(waiting);
    this.#queue = left;
    for (const { bytes, sequence, reject } of refused) {
      this.#queueBytes -= bytes;
      reject(this.#sequences.refusalOf(sequence)!);
    }
  }

  /** Notifies the listeners of what was committed: once per log, however much it was. */
  #announce(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
    const logs = new Map<string, { channel: string; epoch: string; entries: Entry[] }>();
    for (let at = 0; at < batch.length; at++) {
      const { operation, origin } = batch[at]!;
      const outcome = outcomes[at]!;
      if (operation[0] !== 'publish' || 'happened' in outcome) continue;
      const [epoch, offset, time, duplicate] = outcome as Appended;
      if (duplicate) continue;
      const [, channel, data, meta] = operation;
      const log = logs.get(epoch) ?? { channel, epoch, entries: [] };
      log.entries.push(origin ? { offset, time, data, meta, origin } : { offset, time, data, meta });
      logs.set(epoch, log);
    }
    for (const { channel, epoch, entries } of logs.values()) this.#watchers.tell(channel, epoch, entries);
  }

  /** When nothing waits, the thread does not keep the process alive. */
  #idle(): void {
    if (this.#phase === 'open') this.#worker?.unref();
    this.#drained?.();
  }

  /** The thread has ended. */
  #fail(cause: unknown, refuse: (error: ZocaloError) => void): void {
    if (!this.#worker) return;
    this.#worker = undefined;
    this.#phase = 'closed';
    this.#stopSweeping();
    const error = new ZocaloError('LOG_FAILED', `${this.#store.path}: the database's thread ended`, { cause });
    refuse(error);
    const waiting = [...this.#committing, ...this.#queue];
    this.#committing = [];
    this.#queue = [];
    this.#queueBytes = 0;
    for (const { reject } of waiting) reject(error);
    this.#drained?.();
  }

  #moment(): Moment {
    const { now, sure, since } = this.#time.look();
    return { now, sure, since };
  }

  #post(message: ToStore): void {
    this.#worker?.postMessage(message);
  }

  #closed(): ZocaloError {
    const phase = this.#phase === 'new' || this.#phase === 'opening' ? 'not open yet' : 'closed';
    return new ZocaloError('LOG_CLOSED', `the broker of ${this.#store.path} is ${phase}`);
  }
}

/** Logs in an SQLite file, which is created if necessary. See `SqliteBroker` for its guarantees. */
export function sqlite(path: string, options?: SqliteOptions): Broker & Erasable & Rewritable & Queueing {
  return new SqliteBroker(path, options);
}
