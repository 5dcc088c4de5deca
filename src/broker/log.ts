import type { Entry, Keep, LogState } from './broker.ts';
import { DEFAULT_BYTES, DEFAULT_LIMIT, type PageBounds, sizeOf } from './broker.ts';
import { agedBy, type Moment, stampAfter } from './log-time.ts';

/** What an entry costs in memory besides its texts: the object and its place in the array. */
const ENTRY_BYTES = 96;

/** One channel's log in memory. Pure: time is passed in, and `bytes` says what it holds. */
export class Log implements LogState {
  readonly epoch: string;
  head = 0;
  /** Roughly what the entries take in memory. */
  bytes = 0;
  #keep: Keep;
  /** Entries from `#first` on are in the log; those before it are let go of by and by. */
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
    // What the old bounds had excluded already must not come back under wider ones.
    if (keep.ttl > this.#keep.ttl) this.expire(moment);
    this.#keep = keep;
    this.#lastTime = stampAfter(this.#lastTime, moment.now);
    const entry: Entry = { offset: ++this.head, time: this.#lastTime, data, meta };
    this.#entries.push(entry);
    this.bytes += weigh(entry);
    this.trim(moment, keep);
    return entry;
  }

  /** Applies the bounds that the log stands under. */
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

  /** Lets go of the oldest entry. */
  drop(): void {
    this.bytes -= weigh(this.#entries[this.#first]!);
    this.#entries[this.#first++] = undefined;
    if (this.#first < 32 || this.#first * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#first);
    this.#first = 0;
  }

  /** What comes after `offset`, which is not before the oldest. */
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

/** Two bytes a character at most; the engine may store them in one. */
function weigh(entry: Entry): number {
  return ENTRY_BYTES + 2 * (entry.data.length + (entry.meta?.length ?? 0));
}
