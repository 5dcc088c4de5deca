import type { DatabaseSync } from 'node:sqlite';
import type { Database } from '../sqlite/index.ts';
import { gapBetween, type LogGap, type LogState, sizeOf } from './broker.ts';
import { Epochs } from './epochs.ts';
import { keyReused, noRoom } from './key-window.ts';
import { agedBy, futureAt, type Moment, stampAfter } from './log-time.ts';
import { queueFull } from './queueing.ts';
import { isOfTheLog } from './sequences.ts';
import { failureOf } from './sqlite-failure.ts';
import { SqliteKeys } from './sqlite-keys.ts';
import type {
  Appended,
  Columns,
  Failure,
  LogOperation,
  Operation,
  Outcome,
  PublishOperation,
  ReadOperation,
  RewriteOperation,
  StoreOptions,
} from './sqlite-messages.ts';
import { SqliteQueues } from './sqlite-queues.ts';
import { openDatabase } from './sqlite-schema.ts';
import { logStatements } from './sqlite-statements.ts';

interface Channel extends LogState {
  id: number;
  name: string;
  floor: number;
  size: number;
  ttl: number;
  time: number;
  due: number | null;
}

/** What writes nothing. */
const READING: ReadonlySet<Operation[0]> = new Set(['state', 'read', 'askQueue']);
/** Channels whose rows are cached: their ends change with every publication, but are written once per batch. */
const CACHED = 10_000;
/** Rows that one step of the sweeper deletes, so that a batch waits at most some milliseconds for it. */
const STEP = 1_000;
/** Entries that may wait for deletion before a batch deletes them: few statements then delete many rows. */
const DEBRIS = 64;

/**
 * The logs in a database, synchronously, for use on a thread of its own. Keeps the keys, the rows of the channels in
 * use, and otherwise no more than the current batch or page.
 */
export class SqliteStore {
  #options: StoreOptions;
  #file: Database;
  #database: DatabaseSync;
  #lock: DatabaseSync;
  #channels = new Map<string, Channel>();
  #changed = new Set<Channel>();
  #keys: SqliteKeys;
  #queues: SqliteQueues;
  #epochs: Epochs;
  /** The last `since` that it knows, when the clock had gone back. */
  #since = Number.NaN;
  /** A publication found no room since the last sweep. */
  #full = false;
  #statements: ReturnType<typeof logStatements>;

  /** Throws SQLite's errors, and LOG_IN_USE as a Failure. */
  constructor(options: StoreOptions) {
    this.#options = options;
    const { database, lock } = openDatabase(options);
    this.#file = database;
    this.#database = database.connection;
    this.#lock = lock;
    this.#statements = logStatements(this.#database);
    this.#keys = new SqliteKeys(this.#database, options.keys);
    this.#queues = new SqliteQueues(this.#database);
    this.#epochs = this.#readEpochs();
  }

  /** When something was last published, according to the clock; null for never. */
  get newest(): number | null {
    return (this.#statements.newest.get(futureAt(this.#options.now)) as unknown as [number | null])[0];
  }

  /** A name that no other store has. */
  get seed(): string {
    return (this.#statements.seed.get() as unknown as [string])[0];
  }

  /** Commits everything that the operations write in one transaction, or nothing; then reads. */
  batch(moment: Moment, operations: readonly Operation[]): Outcome[] {
    const outcomes: Outcome[] = new Array(operations.length);
    let failure: Failure | undefined;
    const writing = operations.map(([kind]) => !READING.has(kind));
    if (writing.includes(true)) {
      failure = this.#transact(() => {
        const refused = new Map<number, Failure>();
        for (let at = 0; at < operations.length; at++) {
          const operation = operations[at]!;
          if (!writing[at]) continue;
          const sequence = operation[0] === 'publish' ? operation[9] : null;
          const outcome = (sequence !== null && refused.get(sequence)) || this.#write(moment, operation);
          if (sequence !== null && 'happened' in outcome && isOfTheLog(outcome)) refused.set(sequence, outcome);
          outcomes[at] = outcome;
        }
        this.#flush(moment, operations.length);
      });
    }
    this.#full ||= failure?.code === 'LOG_FULL';
    for (let at = 0; at < operations.length; at++) {
      if (!writing[at]) outcomes[at] = this.#read(moment, operations[at]!);
      else if (failure) outcomes[at] = failure;
    }
    return outcomes;
  }

  /** One step of cleaning up. Returns whether there is more to do. A failure is retried in the next round. */
  sweep(moment: Moment): boolean {
    let more = false;
    const failure = this.#transact(() => {
      // The due time of entries from the future has changed.
      if (moment.since !== this.#since) {
        this.#statements.makeFutureDue.run(futureAt(moment.now));
        this.#channels.clear();
      }
      // Entries whose deletion was deferred are free space now.
      if (this.#full) {
        this.#statements.makeDue.run();
        this.#channels.clear();
      }
      this.#full = false;
      const rows = this.#statements.dueChannels.all(moment.sure) as { name: string }[];
      let left = STEP;
      for (const { name } of rows) {
        if (left <= 0) break;
        const channel = this.#find(name)!;
        this.#expire(moment, channel);
        left -= 1 + this.#clear(channel, left);
        this.#changed.add(channel);
        if (channel.floor < channel.oldest) channel.due = 0;
        else if (name.startsWith(' ')) this.#statements.deleteChannel.run(channel.id);
        else this.#rest(moment, channel);
      }
      this.#flush(moment, 0);
      more = this.#keys.purge(moment, STEP) || rows.length > 0;
    });
    if (!failure) this.#since = moment.since;
    return more && !failure;
  }

  /** Nothing to delete in this log: sets when to check again, or forgets it. */
  #rest(moment: Moment, channel: Channel): void {
    const idle = agedBy(channel.time, moment) + this.#options.forgetAfter;
    if (channel.head >= channel.oldest) {
      channel.due = dueAt(agedBy(this.#timeOf(channel, channel.oldest), moment), channel.ttl);
    } else if (idle > moment.sure) {
      channel.due = idle;
    } else {
      this.#endEpoch(channel.name);
      this.#statements.deleteChannel.run(channel.id);
      this.#channels.delete(channel.name);
    }
  }

  close(): void {
    this.#file.close();
    this.#lock.close();
  }

  /** Undefined when everything was committed; otherwise everything was rolled back. */
  #transact(work: () => void): Failure | undefined {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      work();
      this.#file.check();
      this.#database.exec('COMMIT');
      this.#keys.commit();
      this.#queues.commit();
      return undefined;
    } catch (error) {
      // The cached rows have uncommitted values: they are read again.
      this.#channels.clear();
      this.#changed.clear();
      this.#keys.rollBack();
      this.#queues.rollBack();
      const failure = failureOf(this.#options.path, error);
      try {
        // After some errors SQLite has rolled back already (https://www.sqlite.org/lang_transaction.html).
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        this.#epochs = this.#readEpochs();
      } catch {
        // Report the first error.
      }
      return failure;
    }
  }

  #write(moment: Moment, operation: Operation): Outcome {
    if (operation[0] === 'publish') return this.#publish(moment, operation);
    if (operation[0] === 'rewrite') return this.#rewrite(moment, operation);
    if (operation[0] === 'changeQueue') return this.#queues.change(operation[1], moment.now);
    const [kind, name, ...bounds] = operation as LogOperation;
    const channel = this.#find(name);
    if (kind === 'trim' && channel) {
      this.#expire(moment, channel, ...(bounds as unknown as [size: number, ttl: number]));
      channel.due = 0;
      this.#changed.add(channel);
    } else if (kind === 'forget') {
      this.#endEpoch(name);
      if (channel) this.#forget(channel);
    }
    return channel ? ends(channel) : this.#none(name);
  }

  #rewrite(moment: Moment, [, name, epoch, offset, data, meta]: RewriteOperation): { changed: number } {
    const channel = this.#find(name);
    if (!channel || channel.epoch !== epoch) return { changed: 0 };
    this.#expire(moment, channel);
    this.#changed.add(channel);
    if (offset < channel.oldest) return { changed: 0 };
    return { changed: Number(this.#statements.rewrite.run(data, meta, channel.id, offset).changes) };
  }

  #publish(moment: Moment, operation: PublishOperation): Appended | Failure {
    const [, name, data, meta, key, owner, size, ttl, sent, , isUnqueued] = operation;
    const { now } = moment;
    const found = this.#find(name);
    if (key !== null) {
      const known = found && this.#keys.find(moment, found.id, key, sent ?? data);
      if (known?.isSame) return [found!.epoch, known.offset, now, true];
      if (known) return { code: 'KEY_REUSED', happened: keyReused(name, key) };
      if (!this.#keys.hasRoom(owner, moment)) return { code: 'LOG_BUSY', happened: noRoom(name, owner ?? undefined) };
    }
    const full = isUnqueued ? undefined : this.#queues.full(name);
    if (full) return { code: 'LOG_BUSY', happened: queueFull(name, full) };
    const channel = found ?? this.#add(now, name);
    // Entries outside of the old limits must not reappear under wider ones.
    if (ttl > channel.ttl) this.#expire(moment, channel);
    channel.time = stampAfter(channel.time, now);
    channel.head++;
    channel.size = size;
    channel.ttl = ttl;
    this.#changed.add(channel);
    const due = dueAt(channel.time, ttl);
    if (due !== null && (channel.due === null || due < channel.due)) channel.due = due;
    if (size > 0) this.#statements.append.run(channel.id, channel.head, channel.time, data, meta);
    channel.oldest = Math.max(channel.oldest, channel.head - size + 1);
    if (key !== null) this.#keys.add(moment, channel.id, key, sent ?? data, channel.head, owner);
    const { epoch, head: offset, time } = channel;
    if (!isUnqueued) this.#queues.add({ channel: name, epoch, offset, time, data, meta }, now);
    return [epoch, offset, time, false];
  }

  #read(moment: Moment, operation: Operation): Outcome {
    try {
      if (operation[0] === 'askQueue') return this.#queues.ask(operation[1]);
      const name = operation[1] as string;
      const channel = this.#find(name);
      if (channel) this.#expire(moment, channel);
      const log = channel ? ends(channel) : this.#none(name);
      return operation[0] === 'read' ? this.#page(channel?.id, log, operation) : log;
    } catch (error) {
      return failureOf(this.#options.path, error);
    }
  }

  #page(id: number | undefined, log: LogState, [, , epoch, offset, limit, bytes]: ReadOperation): Columns | LogGap {
    const gap = gapBetween([epoch, offset], log);
    if (gap) return gap;
    const page: Columns = { ...log, from: offset + 1, times: [], data: [], meta: [] };
    if (id === undefined) return page;
    let left = bytes;
    const rows = this.#statements.page.iterate(id, offset, limit) as unknown as Iterable<
      [time: number, data: string, meta: string | null]
    >;
    for (const [time, data, meta] of rows) {
      left -= sizeOf(data, meta);
      if (left < 0 && page.data.length > 0) break;
      page.times.push(time);
      page.data.push(data);
      page.meta.push(meta);
    }
    return page;
  }

  #find(name: string): Channel | undefined {
    let channel = this.#channels.get(name);
    if (channel) return channel;
    channel = this.#statements.findChannel.get(name) as Channel | undefined;
    if (channel) this.#hold(channel);
    return channel;
  }

  /** Creates the row of a channel that has none. */
  #add(now: number, name: string): Channel {
    const due = dueAt(now, this.#options.forgetAfter);
    const epoch = this.#epochs.next(name);
    const { lastInsertRowid } = this.#statements.addChannel.run(name, epoch, now, due);
    const id = Number(lastInsertRowid);
    const channel = { id, name, epoch, head: 0, oldest: 1, floor: 1, size: 0, ttl: Infinity, time: now, due };
    this.#hold(channel);
    return channel;
  }

  /** The state of a channel without a log. */
  #none(name: string): LogState {
    return { epoch: this.#epochs.next(name), oldest: 1, head: 0 };
  }

  #endEpoch(name: string): void {
    this.#statements.setEnded.run(...this.#epochs.end(name));
  }

  #readEpochs(): Epochs {
    return new Epochs(this.seed, this.#statements.ended.all() as unknown as [number, number][]);
  }

  #hold(channel: Channel): void {
    if (this.#channels.size >= CACHED) {
      // Rows changed in a transaction are needed until its end.
      for (const [name, held] of this.#channels) {
        if (this.#changed.has(held)) continue;
        this.#channels.delete(name);
        break;
      }
    }
    this.#channels.set(channel.name, channel);
  }

  /** Applies the channel's limits, and narrower ones if given, to what readers see. */
  #expire(moment: Moment, channel: Channel, size = Number.POSITIVE_INFINITY, ttl = Number.POSITIVE_INFINITY): void {
    channel.oldest = Math.max(channel.oldest, channel.head - size + 1);
    const limit = moment.sure - Math.min(ttl, channel.ttl);
    const isYoung = (offset: number) => agedBy(this.#timeOf(channel, offset), moment) > limit;
    // Offsets are contiguous and times ascend, so the first entry to keep is found by binary search.
    let low = channel.oldest;
    let high = channel.head + 1;
    if (low === high || isYoung(low)) return;
    for (low++; low < high; ) {
      const middle = Math.floor((low + high) / 2);
      if (isYoung(middle)) high = middle;
      else low = middle + 1;
    }
    channel.oldest = low;
  }

  #timeOf(channel: Channel, offset: number): number {
    return (this.#statements.timeOf.get(channel.id, offset) as unknown as [number])[0];
  }

  /** Deletes some entries that readers no longer see; returns the number of rows. */
  #clear(channel: Channel, most: number): number {
    const count = Math.min(most, channel.oldest - channel.floor);
    if (count <= 0) return 0;
    this.#statements.deleteEntries.run(channel.id, channel.floor + count);
    channel.floor += count;
    return count;
  }

  /** Ends a transaction's work: deletes about as much as it added, and writes the rows of the changed channels. */
  #flush(moment: Moment, operations: number): void {
    for (const channel of this.#changed) {
      if (channel.oldest - channel.floor >= DEBRIS) this.#clear(channel, 2 * operations + DEBRIS);
      // The rest, here or from a trim, is left to the sweeper.
      if (channel.oldest - channel.floor > DEBRIS) channel.due = 0;
      const { id, head, oldest, floor, size, ttl, time, due } = channel;
      this.#statements.updateChannel.run(head, oldest, floor, size, ttl, time, due, id);
    }
    this.#changed.clear();
    this.#queues.flush();
    if (operations > 0) this.#keys.purge(moment, 2 * operations + DEBRIS);
  }

  /** The row stays under a name that no channel has, until the sweeper has deleted its entries. */
  #forget(channel: Channel): void {
    this.#statements.retire.run(channel.id);
    this.#channels.delete(channel.name);
    channel.oldest = channel.head + 1;
    channel.due = 0;
    this.#changed.add(channel);
  }
}

function ends({ epoch, oldest, head }: Channel): LogState {
  return { epoch, oldest, head };
}

function dueAt(time: number, ttl: number): number | null {
  return Number.isFinite(ttl) ? time + ttl : null;
}
