import type { Clock } from '../../clock.ts';
import type { Position } from '../../protocol/index.ts';
import type { Entry, LogGap, Page } from '../broker.ts';
import type { Call } from './appender.ts';
import type { Heard } from './heard.ts';

/** Milliseconds that an announcement may come after the answer, before the log is read instead. */
const PATIENCE = 1_000;

export interface ToldOptions {
  readonly clock: Clock;
  readonly heard: Heard;
  /** Whether anybody listens to the channel. */
  readonly isListening: (channel: string) => boolean;
  /** Whether announcements can be heard now. */
  readonly isHearing: () => boolean;
  readonly read: (channel: string, after: Position) => Promise<Page | LogGap>;
  readonly withOrigins: (channel: string, epoch: string, entries: readonly Entry[]) => readonly Entry[];
}

interface News {
  readonly epoch: string;
  readonly entries: readonly Entry[];
}

interface Waiting {
  readonly epoch: string;
  readonly offset: number;
  readonly resolve: () => void;
}

/**
 * Tells this process's listeners of every append, by any process, and lets a publication wait until they were told of
 * it: so no publication is acknowledged before it is delivered here.
 */
export class Told {
  readonly #options: ToldOptions;
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #repairs = new Map<string, Promise<void>>();
  /** Announcements that wait until what is missing before them was read. */
  readonly #early = new Map<string, News[]>();

  constructor(options: ToldOptions) {
    this.#options = options;
  }

  /** Tells of an announcement; if something is missing before it, that is read from the log first. */
  tell(channel: string, epoch: string, entries: readonly Entry[]): void {
    const early = this.#early.get(channel);
    if (early) early.push({ epoch, entries });
    else if (this.#isNext(channel, epoch, entries)) this.#tellNow(channel, epoch, entries);
    else void this.#bridge(channel, { epoch, entries });
  }

  #isNext(channel: string, epoch: string, [first]: readonly Entry[]): boolean {
    const told = this.#options.heard.of(channel);
    return !told || !first || first.offset <= (told.epoch === epoch || told.head === 0 ? told.head + 1 : 0);
  }

  async #bridge(channel: string, news: News): Promise<void> {
    const early = [news];
    this.#early.set(channel, early);
    // If that fails, the listeners see that something is missing.
    const current = await this.#read(channel, undefined, false).catch(() => undefined);
    this.#early.delete(channel);
    for (const { epoch, entries } of early) {
      // The log has gone on under another epoch, and this came late.
      if (current === undefined || current === epoch) this.#tellNow(channel, epoch, entries);
    }
  }

  #tellNow(channel: string, epoch: string, entries: readonly Entry[]): void {
    const { heard } = this.#options;
    heard.tell(channel, epoch, entries);
    const waiting = this.#waiting.get(channel);
    if (!waiting) return;
    for (const one of waiting) if (heard.has(channel, one.epoch, one.offset)) one.resolve();
  }

  /** Resolves when the listeners were told of what the call has appended. Never rejects. */
  wait({ channel, epoch, last, items }: Call): Promise<void> | undefined {
    const { clock, heard, isListening, isHearing } = this.#options;
    if (!isListening(channel) || heard.has(channel, epoch, last)) return undefined;
    const read = () => this.repair(channel, [epoch, last - items.length]).catch(() => {}); // the head check does it later
    if (!isHearing()) return read();
    return new Promise<void>((resolve) => {
      const all = this.#waiting.get(channel) ?? new Set();
      this.#waiting.set(channel, all);
      const end = () => {
        cancel();
        all.delete(one);
        if (all.size === 0 && this.#waiting.get(channel) === all) this.#waiting.delete(channel);
        resolve();
      };
      const one: Waiting = { epoch, offset: last, resolve: end };
      const cancel = clock.after(PATIENCE, () => void read().then(end));
      all.add(one);
    });
  }

  /**
   * Reads from the log what the listeners were not told. If they cannot be told all of it, they are told the newest, so
   * that they see that something is missing. `from`: where to begin when nothing was told yet.
   */
  repair(channel: string, from?: Position): Promise<void> {
    let repair = this.#repairs.get(channel);
    if (!repair) {
      repair = this.#read(channel, from, true)
        .then(() => {})
        .finally(() => this.#repairs.delete(channel));
      this.#repairs.set(channel, repair);
    }
    return repair;
  }

  /** Returns the epoch of the log. `isNewest`: tell the newest entry of a log that does not go on from what was told. */
  async #read(channel: string, from: Position | undefined, isNewest: boolean): Promise<string | undefined> {
    const { heard, read, withOrigins } = this.#options;
    for (;;) {
      const told = heard.of(channel);
      const position: Position | undefined = told ? [told.epoch, told.head] : from;
      if (!position) return undefined;
      let page = await read(channel, position);
      if (page.gap) {
        const isKnown = page.gap !== 'epoch' || page.continues !== undefined || position[1] === 0;
        if (!isKnown && !isNewest) return page.epoch;
        const newest = Math.max(page.oldest, page.head) - 1;
        page = await read(channel, [page.epoch, isKnown ? Math.max(page.continues ?? 0, page.oldest - 1) : newest]);
      }
      const last = page.gap ? undefined : page.entries.at(-1);
      if (page.gap || !last) return page.epoch;
      this.#tellNow(channel, page.epoch, withOrigins(channel, page.epoch, page.entries));
      if (last.offset >= page.head) return page.epoch;
    }
  }
}
