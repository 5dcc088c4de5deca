import type { DatabaseSync } from 'node:sqlite';
import { rowsAsArrays } from '../sqlite/index.ts';
import { sizeOf } from './broker.ts';
import {
  ASIDE,
  matcherOf,
  placeAfter,
  type Queued,
  type QueueOptions,
  type QueueState,
  type SetAside,
} from './queueing.ts';
import type { QueueChange, QueueQuestion } from './sqlite-messages.ts';

/** What a queue has, which is counted once and then kept up. */
interface Counts {
  rows: number;
  bytes: number;
  aside: number;
  last: number;
}

interface Queue {
  readonly name: string;
  counts: Counts;
  /** Those of the last commit. */
  committed: Counts;
}

interface Filled {
  readonly options: QueueOptions;
  readonly matches: (channel: string) => boolean;
  readonly queue: Queue;
}

/** The queues in a store's database, within the store's transactions. Throws SQLite's errors. */
export class SqliteQueues {
  readonly #queues = new Map<string, Queue>();
  readonly #changed = new Set<Queue>();
  #filled: readonly Filled[] = [];
  #statements: ReturnType<typeof prepare>;

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** One that has no room for a publication to this channel. */
  full(channel: string): { name: string; rows: number } | undefined {
    for (const { options, matches, queue } of this.#filled) {
      const { rows, bytes } = queue.counts;
      if ((rows >= options.rows || bytes >= options.bytes) && matches(channel)) return { name: options.name, rows };
    }
    return undefined;
  }

  /** Adds a publication to all queues that are to have it. */
  add({ channel, epoch, offset, time, data, meta }: Omit<Queued, 'place'>, now: number): void {
    for (const { matches, queue } of this.#filled) {
      if (!matches(channel)) continue;
      const place = this.#next(queue, now);
      this.#statements.add.run(queue.name, place, channel, epoch, offset, time, data, meta);
      queue.counts.rows++;
      queue.counts.bytes += sizeOf(data, meta);
    }
  }

  change(operation: QueueChange, now: number): { changed: number } {
    let changed = 0;
    if (operation[0] === 'use') this.#use(operation[1]);
    else {
      const queue = this.#of(operation[1]);
      this.#changed.add(queue);
      if (operation[0] === 'settle') this.#settle(queue, operation[2]);
      else if (operation[0] === 'setAside') this.#setAside(queue, operation[2], operation[3]);
      else if (operation[0] === 'retry') changed = this.#retry(queue, operation[2], now);
      else changed = this.#drop(queue, operation[2]);
    }
    return { changed };
  }

  ask(operation: QueueQuestion): QueueState | { rows: readonly Queued[] } {
    const [kind, name] = operation;
    const { page, pageAside } = this.#statements;
    if (kind === 'page') return { rows: pageOf<Queued>(page.iterate(name, operation[2]), operation[3]) };
    if (kind === 'aside')
      return { rows: pageOf<SetAside>(pageAside.iterate(name, operation[4], operation[2]), operation[3]) };
    const { rows, aside } = this.#of(name).counts;
    const [oldest = null] = (this.#statements.oldest.get(name) ?? []) as unknown as [number?];
    return { waiting: rows, aside, oldest };
  }

  /** Call it at the end of the transaction. */
  flush(): void {
    for (const { name, counts, committed } of this.#changed)
      if (counts.last !== committed.last) this.#statements.setLast.run(name, counts.last);
  }

  commit(): void {
    for (const queue of this.#changed) queue.committed = { ...queue.counts };
    this.#changed.clear();
  }

  rollBack(): void {
    for (const queue of this.#changed) queue.counts = { ...queue.committed };
    this.#changed.clear();
  }

  #use(queues: readonly QueueOptions[]): void {
    this.#filled = queues.map((options) => ({
      options,
      matches: matcherOf(options),
      queue: this.#of(options.name),
    }));
  }

  #settle({ name, counts }: Queue, upTo: number): void {
    for (const [size] of this.#statements.settle.all(name, upTo) as unknown as [number][]) {
      counts.rows--;
      counts.bytes -= size;
    }
  }

  #setAside({ name, counts }: Queue, place: number, reason: string): void {
    const { changes } = this.#statements.copyAside.run(reason, name, place);
    if (changes === 0) return;
    const [size] = this.#statements.remove.get(name, place) as unknown as [number];
    counts.rows--;
    counts.bytes -= size;
    if (++counts.aside <= ASIDE) return;
    counts.aside--;
    this.#statements.dropAside.run(name, name);
  }

  #retry(queue: Queue, places: readonly number[] | undefined, now: number): number {
    const { name, counts } = queue;
    const meant = places && new Set(places);
    let count = 0;
    for (const [place, size] of this.#statements.aside.all(name) as unknown as [number, number][]) {
      if (meant?.has(place) === false) continue;
      this.#statements.copyBack.run(this.#next(queue, now), name, place);
      counts.rows++;
      counts.bytes += size;
      count += this.#dropOne(queue, place);
    }
    return count;
  }

  #drop(queue: Queue, places: readonly number[]): number {
    return places.reduce((count, place) => count + this.#dropOne(queue, place), 0);
  }

  #dropOne({ name, counts }: Queue, place: number): number {
    const count = Number(this.#statements.dropOne.run(name, place).changes);
    counts.aside -= count;
    return count;
  }

  #next(queue: Queue, now: number): number {
    this.#changed.add(queue);
    queue.counts.last = placeAfter(queue.counts.last, now);
    return queue.counts.last;
  }

  #of(name: string): Queue {
    let queue = this.#queues.get(name);
    if (!queue) {
      const [rows, bytes] = this.#statements.count.get(name) as unknown as [number, number];
      const [aside] = this.#statements.countAside.get(name) as unknown as [number];
      const [last = 0] = (this.#statements.last.get(name) ?? []) as unknown as [number?];
      const counts = { rows, bytes, aside, last };
      queue = { name, counts, committed: { ...counts } };
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

/** As many as fit, one at least. */
function pageOf<Entry extends Queued>(rows: Iterable<unknown>, bytes: number): readonly Entry[] {
  const page: Entry[] = [];
  let left = bytes;
  for (const row of rows as Iterable<Entry>) {
    left -= sizeOf(row.data, row.meta);
    if (left < 0 && page.length > 0) break;
    page.push(row);
  }
  return page;
}

const SIZE = 'octet_length(data) + ifnull(octet_length(meta), 0)';

function prepare(database: DatabaseSync) {
  const statement = (sql: string) => database.prepare(sql);
  const arrays = (sql: string) => rowsAsArrays(database, sql);
  return {
    add: statement(
      'INSERT INTO queued (queue, place, channel, epoch, offset, time, data, meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    page: statement(
      'SELECT place, channel, epoch, offset, time, data, meta FROM queued WHERE queue = ? ORDER BY place LIMIT ?',
    ),
    oldest: arrays('SELECT time FROM queued WHERE queue = ? ORDER BY place LIMIT 1'),
    settle: arrays(`DELETE FROM queued WHERE queue = ? AND place <= ? RETURNING ${SIZE}`),
    remove: arrays(`DELETE FROM queued WHERE queue = ? AND place = ? RETURNING ${SIZE}`),
    copyAside: statement(`INSERT INTO aside (queue, place, channel, epoch, offset, time, data, meta, reason)
      SELECT queue, place, channel, epoch, offset, time, data, meta, ? FROM queued WHERE queue = ? AND place = ?`),
    aside: arrays(`SELECT place, ${SIZE} FROM aside WHERE queue = ? ORDER BY place`),
    copyBack: statement(`INSERT INTO queued (queue, place, channel, epoch, offset, time, data, meta)
      SELECT queue, ?, channel, epoch, offset, time, data, meta FROM aside WHERE queue = ? AND place = ?`),
    dropAside: statement(
      'DELETE FROM aside WHERE queue = ? AND place = (SELECT min(place) FROM aside WHERE queue = ?)',
    ),
    pageAside: statement(`SELECT place, channel, epoch, offset, time, data, meta, reason FROM aside
      WHERE queue = ? AND place > ? ORDER BY place LIMIT ?`),
    dropOne: statement('DELETE FROM aside WHERE queue = ? AND place = ?'),
    count: arrays(`SELECT count(*), ifnull(sum(${SIZE}), 0) FROM queued WHERE queue = ?`),
    countAside: arrays('SELECT count(*) FROM aside WHERE queue = ?'),
    last: arrays('SELECT last FROM queues WHERE name = ?'),
    setLast: statement('INSERT OR REPLACE INTO queues (name, last) VALUES (?, ?)'),
  };
}
