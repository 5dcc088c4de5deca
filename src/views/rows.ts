import type { Message } from '../client/index.ts';
import type { Position } from '../protocol/index.ts';

/** A message in a list: one of the log, or one of ours that is on its way there. */
export interface Row<T = unknown> {
  /** Unique in the list, and the same before and after the message was stored. */
  readonly id: string;
  /** `failed`: the server refused it, see `error`; retry it, or discard it. */
  readonly status: 'sending' | 'stored' | 'failed';
  /** Of a message that is not stored yet: as it was published. */
  readonly data: T;
  /** Whether this client has published it. */
  readonly mine: boolean;
  readonly key?: string;
  /** What kind of message it is, as its publisher said. */
  readonly event?: string;
  readonly user?: string;
  /** Milliseconds since 1970; absent until it is stored. */
  readonly time?: number;
  readonly position?: Position;
  /** It was erased: `data` is null. */
  readonly erased?: true;
  /** It has other data than when it was published. */
  readonly replaced?: true;
  readonly error?: Error;
}

/**
 * The messages of a channel in the order of its log, and after them those that are on their way there. Pure. Methods
 * that change nothing return false.
 */
export class Rows<T = unknown> {
  #stored: readonly Row<T>[] = [];
  #pending: readonly Row<T>[] = [];
  #all: readonly Row<T>[] | undefined;
  /** What only tells of another message: it has a place, and is not shown. */
  readonly #hidden = new WeakSet<Row<T>>();
  /** Stored ones whose message has not come yet. */
  readonly #noted = new WeakSet<Row<T>>();

  /** Another array after each change, and only then. */
  get all(): readonly Row<T>[] {
    this.#all ??= [...this.#stored.filter((row) => !this.#hidden.has(row)), ...this.#pending];
    return this.#all;
  }

  /** How many of them are in the log. */
  get stored(): number {
    return this.#stored.length;
  }

  /** Of the oldest message. */
  get first(): Position | undefined {
    return this.#stored[0]?.position;
  }

  /** Those that are on their way, or failed. */
  get pending(): readonly Row<T>[] {
    return this.#pending;
  }

  /** A message of the log, new or old. One that was on its way stays the same row. */
  add(message: Message<T>): boolean {
    const { position, channel: _, erases, replaces, ...rest } = message;
    if (!position) return false;
    const { key, data, erased } = message;
    const row: Row<T> = { ...rest, id: key ?? position.join('/'), status: 'stored', position };
    if (!erases && !replaces) return this.#insert(row);
    this.#hidden.add(row);
    // Another notice follows the one that was emptied.
    if (this.#insert(row) && !erased) this.#change([position[0], (erases ?? replaces)!], data, !!erases);
    return true;
  }

  /** Shows what has become of a message that is here. One that comes later has its new state. */
  #change(position: Position, data: T, isErased: boolean): void {
    const changed = (row: Row<T>): Row<T> => ({ ...row, data, ...(isErased ? { erased: true } : { replaced: true }) });
    const isIt = (row: Row<T>) => row.position!.join() === position.join();
    this.#setStored(this.#stored.map((row) => (isIt(row) ? changed(row) : row)));
  }

  /** A publication of ours that is on its way. `event`: as it was published, if that is known. */
  send(key: string, data: T, event?: string): boolean {
    const known = this.all.find(({ id }) => id === key);
    if (known && (event === undefined || known.status !== 'sending')) return false;
    if (known) this.discard(key);
    this.#setPending([
      ...this.#pending,
      { id: key, key, data, ...(event !== undefined && { event }), mine: true, status: 'sending' },
    ]);
    return true;
  }

  /**
   * It is stored: its message may come later, or not at all, and then this is what we know of it. Without a position: it
   * is gone.
   */
  settle(key: string, position: Position | undefined): boolean {
    const row = this.#pending.find((row) => row.key === key);
    if (!row) return false;
    if (!position) return this.discard(key);
    const noted: Row<T> = { ...row, status: 'stored', position };
    if (this.#insert(noted) && this.#stored.includes(noted)) this.#noted.add(noted);
    return true;
  }

  fail(key: string, error: Error): boolean {
    const row = this.#pending.find((row) => row.key === key);
    if (!row) return false;
    this.#setPending(this.#pending.map((other) => (other === row ? { ...row, status: 'failed', error } : other)));
    return true;
  }

  /** Removes one that is on its way, or failed. */
  discard(key: string): boolean {
    const others = this.#pending.filter((row) => row.key !== key);
    if (others.length === this.#pending.length) return false;
    this.#setPending(others);
    return true;
  }

  /** Forgets all but the newest `count` of the log. */
  trim(count: number): boolean {
    if (this.#stored.length <= count) return false;
    this.#setStored(this.#stored.slice(-count));
    return true;
  }

  /** Forgets what it has of the log: it has a hole, or is another one. */
  clear(): boolean {
    if (this.#stored.length === 0) return false;
    this.#setStored([]);
    return true;
  }

  #insert(row: Row<T>): boolean {
    const wasPending = this.discard(row.key ?? '');
    const rows = this.#stored;
    let at = rows.length;
    while (at > 0 && isBefore(row.position!, rows[at - 1]!.position!)) at -= 1;
    const before = rows[at - 1];
    const isKnown = before?.position?.join() === row.position!.join();
    if (isKnown && !this.#noted.delete(before!)) return wasPending;
    this.#setStored([...rows.slice(0, isKnown ? at - 1 : at), row, ...rows.slice(at)]);
    return true;
  }

  #setStored(rows: readonly Row<T>[]): void {
    this.#stored = rows;
    this.#all = undefined;
  }

  #setPending(rows: readonly Row<T>[]): void {
    this.#pending = rows;
    this.#all = undefined;
  }
}

/** In one log; whatever is in another one comes later. */
function isBefore(a: Position, b: Position): boolean {
  return a[0] === b[0] && a[1] < b[1];
}
