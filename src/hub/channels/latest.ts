import { type Entry, sizeOf } from '../../broker/index.ts';
import { memberText, type Position } from '../../protocol/index.ts';

/**
 * What a slow reader gets who wants only the newest publication of each key: reads the log on, page by page, and keeps
 * of each key the last, up to a number of bytes. Pure.
 */
export class Latest {
  /** What was read so far. */
  position: Position;
  readonly #path: readonly string[];
  readonly #limit: number;
  /** The oldest first. */
  readonly #kept = new Map<string, Entry>();
  #bytes = 0;

  /** `by`: the path of the member whose value is the key, like 'sensor.id'. `limit`: bytes of data and meta. */
  constructor(position: Position, by: string, limit: number) {
    this.position = position;
    this.#path = by.split('.');
    this.#limit = limit;
  }

  /** Reads a page. False when it is full before the page's end: what it has is to be taken, and to be read on from. */
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

  /** What it has, in the order of the log, and keeps no longer. */
  take(): Entry[] {
    const entries = [...this.#kept.values()];
    this.#kept.clear();
    this.#bytes = 0;
    return entries;
  }

  /** Data without that member has one key together. */
  #keyOf(data: string): string {
    let value: string | undefined = data;
    for (const name of this.#path) {
      value = memberText(value, name);
      if (value === undefined) return '';
    }
    // A text is the same however it was escaped. A number is not read: two long ones could become one.
    return value.startsWith('"') && value.includes('\\') ? JSON.stringify(JSON.parse(value)) : value;
  }
}
