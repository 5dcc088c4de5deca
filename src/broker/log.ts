import type { Entry, Keep, LogState } from './broker.ts';
import { DEFAULT_BYTES, DEFAULT_LIMIT, type PageBounds, sizeOf } from './broker.ts';
import { agedBy, type Moment, stampAfter } from './log-time.ts';

/** Memory of an entry besides its texts: the object and its place in the array. */
const ENTRY_BYTES = 96;

/** One channel's log in memory. Pure: time is passed in, and `bytes` is its size. */
export class Log implements LogState {
  readonly epoch: string;
  head = 0;
  /** Approximate memory of the entries. */
  bytes = 0;
  #keep: Keep;
  /** Entries from `#first` on are in the log; those before it are removed later. */
  #entries: (Entry | undefined)[] = [];
  #first = 0;
  #lastTime = 0;

  constructor(epoch: string, keep: Keep) {
    this.epoch = epoch;
    this.#keep = keep;
  }

  get oldest(): number {
    return this.head - (this.#entries.length - this.#first) + 1;
  }

  append(moment: Moment, data: string, meta: string | null, keep: Keep): Entry {
    // Entries outside of the old limits must not reappear under wider ones.
    if (keep.ttl > this.#keep.ttl) this.expire(moment);
    this.#keep = keep;
    this.#lastTime = stampAfter(this.#lastTime, moment.now);
    const entry: Entry = { offset: ++this.head, time: this.#lastTime, data, meta };
    this.#entries.push(entry);
    this.bytes += weigh(entry);
    this.trim(moment, keep);
    return entry;
  }

  /** Applies the log's limits. */
  expire(moment: Moment): void {
    this.trim(moment, this.#keep);
  }

  trim(moment: Moment, { size, ttl }: Keep): void {
    const limit = moment.sure - ttl;
    while (this.#first < this.#entries.length) {
      const entry = this.#entries[this.#first]!;
      if (this.#entries.length - this.#first <= size && agedBy(entry.time, moment) > limit) break;
      this.drop();
    }
  }

  /** Removes the oldest entry. */
  drop(): void {
    this.bytes -= weigh(this.#entries[this.#first]!);
    this.#entries[this.#first++] = undefined;
    if (this.#first < 32 || this.#first * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#first);
    this.#first = 0;
  }

  /** Puts something else in the place of an entry's data. False: it is not in the log. */
  rewrite(offset: number, data: string, meta: string | null): boolean {
    if (offset < this.oldest || offset > this.head) return false;
    const at = this.#entries.length - 1 - (this.head - offset);
    const before = this.#entries[at]!;
    // Readers may still have the other object.
    const entry = { ...before, data, meta };
    this.#entries[at] = entry;
    this.bytes += weigh(entry) - weigh(before);
    return true;
  }

  /** What comes after `offset`, which must not be before the oldest. */
  page(offset: number, { limit = DEFAULT_LIMIT, bytes = DEFAULT_BYTES }: PageBounds): Entry[] {
    const from = this.#entries.length - (this.head - offset);
    const to = Math.min(this.#entries.length, from + limit);
    let left = bytes;
    for (let at = from; at < to; at++) {
      const entry = this.#entries[at]!;
      left -= sizeOf(entry.data, entry.meta);
      if (left < 0) return this.#entries.slice(from, Math.max(at, from + 1)) as Entry[];
    }
    return this.#entries.slice(from, to) as Entry[];
  }
}

/** At most two bytes per character; the engine may store them in one. */
function weigh(entry: Entry): number {
  return ENTRY_BYTES + 2 * (entry.data.length + (entry.meta?.length ?? 0));
}
