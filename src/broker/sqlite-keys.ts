import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KeyWindow } from './key-window.ts';

/** What is remembered of a publication with a key. */
export interface KeyRecord {
  /** The how manieth publication with a key this was. */
  id: number;
  /** SHA-256 of the data, in base64. */
  digest: string;
  offset: number;
  expires: number;
}

/**
 * The keys of publications. They are looked up in memory, some 250 bytes each, and written one after the other: an
 * index in the database would cost a page of its own, in every transaction, for each channel that was published to.
 *
 * To be used within a transaction, whose end `commit` or `rollBack` tells.
 */
export class SqliteKeys {
  #window: KeyWindow;
  /** By channel and key, the oldest first. */
  #records = new Map<string, KeyRecord>();
  /** The next key's number; the oldest one that may be known; and the oldest one that is stored. */
  #ends = { next: 1, oldest: 1, floor: 1 };
  #endsBefore = { ...this.#ends };
  /** What this transaction has changed, as it was before. */
  #undo: [name: string, before: KeyRecord | undefined][] = [];
  #insert: StatementSync;
  #delete: StatementSync;

  constructor(database: DatabaseSync, window: KeyWindow) {
    this.#window = window;
    this.#insert = database.prepare(
      'INSERT INTO keys (id, channel, key, digest, offset, expires) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM keys WHERE id < ?');
    const all = database.prepare('SELECT id, channel, key, digest, offset, expires FROM keys ORDER BY id');
    all.setReturnArrays(true);
    const rows = all.iterate() as unknown as Iterable<[number, number, string, string, number, number]>;
    for (const [id, channel, key, digest, offset, expires] of rows) {
      if (this.#records.size === 0) this.#ends.oldest = this.#ends.floor = id;
      this.#set(nameOf(channel, key), { id, digest, offset, expires });
      this.#ends.next = id + 1;
    }
    this.commit();
  }

  /** The publication with this key, unless it is too long ago. */
  find(now: number, channel: number, key: string): KeyRecord | undefined {
    const known = this.#records.get(nameOf(channel, key));
    return known && known.expires > now && known.id >= this.#ends.next - this.#window.count ? known : undefined;
  }

  add(now: number, channel: number, key: string, digest: string, offset: number): void {
    const id = this.#ends.next++;
    const expires = now + this.#window.ttl;
    this.#insert.run(id, channel, key, digest, offset, expires);
    this.#set(nameOf(channel, key), { id, digest, offset, expires });
  }

  /** Lets go of what is too long ago, and of at most so many rows. Answers whether there is more. */
  purge(now: number, most: number): boolean {
    const { count } = this.#window;
    const last = this.#ends.next - count;
    const { value: first } = this.#records.values().next();
    // A Map leaves holes where entries were deleted, and looking for its oldest steps over them: hence not one by one.
    if (first && (first.expires <= now || first.id < last - Math.ceil(count / 64))) {
      for (const [name, record] of this.#records) {
        if (record.expires > now && record.id >= last) break;
        this.#undo.push([name, record]);
        this.#records.delete(name);
        this.#ends.oldest = Math.max(this.#ends.oldest, record.id + 1);
      }
    }
    const floor = Math.min(this.#ends.oldest, this.#ends.floor + most);
    if (floor > this.#ends.floor) this.#delete.run(floor);
    this.#ends.floor = floor;
    return floor < this.#ends.oldest;
  }

  commit(): void {
    this.#undo = [];
    this.#endsBefore = { ...this.#ends };
  }

  rollBack(): void {
    for (const [name, before] of this.#undo.reverse()) {
      this.#records.delete(name);
      if (before) this.#records.set(name, before);
    }
    this.#ends = this.#endsBefore;
    this.commit();
  }

  #set(name: string, record: KeyRecord): void {
    this.#undo.push([name, this.#records.get(name)]);
    this.#records.delete(name);
    this.#records.set(name, record);
  }
}

function nameOf(channel: number, key: string): string {
  return `${channel} ${key}`;
}
