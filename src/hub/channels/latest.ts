import { type Entry, sizeOf } from '../../broker/index.ts';
import { memberText, type Position } from '../../protocol/index.ts';

/**
 * Selects the newest publication of each key for a slow reader: reads the log page by page and keeps the last one of
 * each key, up to a number of bytes. Pure.
 */
export class Latest {
  /** Everything up to here was read. */
  position: Position;
  readonly #path: readonly string[];
  readonly #limit: number;
  /** Oldest first. */
  readonly #kept = new Map<string, Entry>();
  #bytes = 0;

  /** `by`: the path of the member whose value is the key, like 'sensor.id'. `limit`: bytes of data and meta. */
  constructor(position: Position, by: string, limit: number) {
    this.position = position;
    this.#path = by.split('.');
    this.#limit = limit;
  }

  /** Reads a page. False if it is full before the page's end: take what it has, then read on. */
  read(epoch: string, entries: readonly Entry[]): boolean {
    for (const entry of entries) {
      const key = this.#keyOf(entry.data);
      const earlier = this.#kept.get(key);
      const bytes = this.#bytes + sizeOf(entry.data, entry.meta) - (earlier ? sizeOf(earlier.data, earlier.meta) : 0);
      if (bytes > this.#limit && this.#kept.size > 0) return false;
      this.#bytes = bytes;
      this.#kept.delete(key);
      this.#kept.set(key, entry);
      this.position = [epoch, entry.offset];
    }
    return true;
  }

  /** Returns what it has, in the order of the log, and clears it. */
  take(): Entry[] {
    const entries = [...this.#kept.values()];
    this.#kept.clear();
    this.#bytes = 0;
    return entries;
  }

  /** All data without that member shares one key. */
  #keyOf(data: string): string {
    let value: string | undefined = data;
    for (const name of this.#path) {
      value = memberText(value, name);
      if (value === undefined) return '';
    }
    // A string is normalised, since it may be escaped in different ways. A number is not parsed: two long ones could
    // become equal.
    return value.startsWith('"') && value.includes('\\') ? JSON.stringify(JSON.parse(value)) : value;
  }
}
