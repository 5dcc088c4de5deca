import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { rowsAsArrays } from '../sqlite/index.ts';
import { type Digest, dataDigest, KeyTable, type Known, nameDigest } from './key-table.ts';
import type { KeyWindow } from './key-window.ts';
import { agedBy, type Moment } from './log-time.ts';

/** The owner of the keys known from before the start. */
const EARLIER = 'an earlier run';
/** Milliseconds that share a mark. */
const MARK = 1_000;

/** Rows with ids below `below` were added at this time or before it. */
interface Mark {
  below: number;
  time: number;
}

/**
 * The keys of publications. They are looked up in memory, and written in sequence: an index in the database would cost
 * an extra page per transaction for each channel that was published to.
 *
 * Used within a transaction, whose end is reported by `commit` or `rollBack`.
 */
export class SqliteKeys {
  readonly #window: KeyWindow;
  readonly #table: KeyTable;
  /** The next key's number, and the oldest one stored. */
  #ends = { next: 1, floor: 1 };
  #endsBefore = { ...this.#ends };
  /** Oldest first. */
  readonly #marks: Mark[] = [];
  /** What this transaction has added, and when. */
  #added: Digest[] = [];
  #time = 0;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, window: KeyWindow) {
    this.#window = window;
    this.#table = new KeyTable(window);
    this.#insert = database.prepare(
      'INSERT INTO keys (id, channel, key, digest, offset, expires) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM keys WHERE id < ?');
    const all = rowsAsArrays(database, 'SELECT id, channel, key, digest, offset, expires FROM keys ORDER BY id');
    const rows = all.iterate() as unknown as Iterable<[number, number, string, string, number, number]>;
    for (const [id, channel, key, digest, offset, expires] of rows) {
      if (this.#table.size === 0) this.#ends.floor = id;
      const data = Buffer.from(digest, 'base64').toString('latin1');
      this.#table.add(nameDigest(channel, key), data, offset, expires - window.ttl, EARLIER);
      this.#ends.next = id + 1;
      this.#mark(expires - window.ttl);
    }
    this.#endsBefore = { ...this.#ends };
  }

  /** The publication with this key, unless it has expired. */
  find(moment: Moment, channel: number, key: string, data: string): Known | undefined {
    return this.#table.find(nameDigest(channel, key), dataDigest(data), moment);
  }

  /** Whether the owner may have another key. */
  hasRoom(owner: string | null, moment: Moment): boolean {
    return this.#table.hasRoom(owner ?? undefined, moment);
  }

  add(moment: Moment, channel: number, key: string, data: string, offset: number, owner: string | null): void {
    const name = nameDigest(channel, key);
    const digest = dataDigest(data);
    const stored = Buffer.from(digest, 'latin1').toString('base64');
    this.#insert.run(this.#ends.next++, channel, key, stored, offset, moment.now + this.#window.ttl);
    this.#table.add(name, digest, offset, moment.now, owner ?? undefined);
    this.#added.push(name);
    this.#time = moment.now;
  }

  /** Removes what has expired, at most `most` rows. Returns whether there are more. */
  purge(moment: Moment, most: number): boolean {
    this.#table.purge(moment);
    const isOver = ({ time }: Mark) => agedBy(time, moment) + this.#window.ttl <= moment.sure;
    let over = this.#ends.floor;
    for (const mark of this.#marks) {
      if (!isOver(mark)) break;
      over = mark.below;
    }
    const floor = Math.min(over, this.#ends.floor + most);
    if (floor > this.#ends.floor) this.#delete.run(floor);
    this.#ends.floor = floor;
    return floor < over;
  }

  commit(): void {
    if (this.#added.length > 0) this.#mark(this.#time);
    this.#added = [];
    while (this.#marks.length > 0 && this.#marks[0]!.below <= this.#ends.floor) this.#marks.shift();
    this.#endsBefore = { ...this.#ends };
  }

  rollBack(): void {
    for (const name of this.#added.reverse()) this.#table.undo(name);
    this.#added = [];
    this.#ends = { ...this.#endsBefore };
  }

  #mark(time: number): void {
    const last = this.#marks.at(-1);
    if (last && time - last.time < MARK && time >= last.time) last.below = this.#ends.next;
    else this.#marks.push({ below: this.#ends.next, time });
  }
}
