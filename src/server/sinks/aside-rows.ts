import type { Queueing, SetAside } from '../../broker/index.ts';

/** What is read of a queue at a time. */
const READ = { limit: 500, bytes: 1 << 20 };
/** Bytes of data in a page for a caller, unless its first row has more. */
const PAGE_BYTES = 4 << 20;

/** Whether a caller may see and change what was published to a channel. */
export type MayUse = (channel: string) => boolean;

export interface AsidePage {
  readonly rows: readonly SetAside[];
  /** Where the next page begins; undefined at the end. */
  readonly next: number | undefined;
}

/** What one sink has set aside, as far as a caller may use its channels. */
export class AsideRows {
  readonly #queue: Queueing;
  readonly #name: string;
  /** Called when rows wait again. */
  readonly #onRetried: () => void;

  constructor(queue: Queueing, name: string, onRetried: () => void) {
    this.#queue = queue;
    this.#name = name;
    this.#onRetried = onRetried;
  }

  /** The oldest first, after a place. @throws ZocaloError LOG_…. */
  async page(mayUse: MayUse, { after = 0, limit }: { after?: number | undefined; limit: number }): Promise<AsidePage> {
    const rows: SetAside[] = [];
    let bytes = 0;
    for await (const row of this.#all(mayUse, after)) {
      bytes += row.data.length;
      if (rows.length === limit || (bytes > PAGE_BYTES && rows.length > 0)) return { rows, next: rows.at(-1)!.place };
      rows.push(row);
    }
    return { rows, next: undefined };
  }

  /** All of it, or what has one of these places. Returns how many rows wait again. @throws ZocaloError LOG_…. */
  async retry(mayUse: MayUse, places?: readonly number[]): Promise<number> {
    const count = await this.#queue.retry(this.#name, await this.#meant(mayUse, places));
    if (count > 0) this.#onRetried();
    return count;
  }

  /** The same, but it is forgotten. */
  async drop(mayUse: MayUse, places?: readonly number[]): Promise<number> {
    return this.#queue.drop(this.#name, await this.#meant(mayUse, places));
  }

  async #meant(mayUse: MayUse, places: readonly number[] | undefined): Promise<number[]> {
    const named = places && new Set(places);
    const meant: number[] = [];
    for await (const { place } of this.#all(mayUse, 0)) if (named?.has(place) ?? true) meant.push(place);
    return meant;
  }

  async *#all(mayUse: MayUse, after: number): AsyncIterable<SetAside> {
    for (let at = after; ; ) {
      const rows = await this.#queue.aside(this.#name, { ...READ, after: at });
      if (rows.length === 0) return;
      for (const row of rows) if (mayUse(row.channel)) yield row;
      at = rows.at(-1)!.place;
    }
  }
}
