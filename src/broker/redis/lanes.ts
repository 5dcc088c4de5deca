import type { Publication, Receipt } from '../broker.ts';
import { DEFAULT_KEEP } from '../broker.ts';

/** A publication on its way. */
export interface Item {
  readonly publication: Publication;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
}

type Waiting = Item | { readonly ask: () => Promise<void> };

interface Lane {
  readonly channel: string;
  queue: Waiting[];
  isBusy: boolean;
}

/** Limits of one call of the script, so that what waits behind it in Redis does not wait long. */
const CALL_ITEMS = 128;
const CALL_BYTES = 1 << 20;
/** What an item counts besides its texts. */
const ITEM_BYTES = 256;

export interface LanesOptions {
  /** Appends some publications, and settles each item. Resolves when the next call of the channel may be sent. */
  readonly append: (channel: string, items: readonly Item[]) => Promise<void>;
  /** Called before and after what is sent in one turn. */
  readonly cork: () => void;
  readonly uncork: () => void;
}

/**
 * The order of what this process does with each channel: one call at a time, so that neither a repeated call nor a
 * redirected one changes the order. What is published to a channel meanwhile shares the next call; calls of different
 * channels share a write.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Set<Lane>();
  #bytes = 0;
  #scheduled = false;
  #drained: (() => void) | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Of the publications that wait or are on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  publish(channel: string, publication: Publication): Promise<Receipt> {
    const bytes = bytesOf(publication);
    this.#bytes += bytes;
    return new Promise<Receipt>((resolve, reject) => {
      this.#push(channel, {
        publication,
        resolve: (receipt) => {
          this.#bytes -= bytes;
          resolve(receipt);
        },
        reject: (error) => {
          this.#bytes -= bytes;
          reject(error);
        },
      });
    });
  }

  /** Does something with the channel after what was asked before. */
  ask<T>(channel: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#push(channel, { ask: () => work().then(resolve, reject) });
    });
  }

  /** Resolves when nothing waits. */
  async drain(): Promise<void> {
    if (this.#lanes.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  #push(channel: string, waiting: Waiting): void {
    let lane = this.#lanes.get(channel);
    if (!lane) {
      lane = { channel, queue: [], isBusy: false };
      this.#lanes.set(channel, lane);
    }
    lane.queue.push(waiting);
    if (!lane.isBusy) this.#wake(lane);
  }

  #wake(lane: Lane): void {
    this.#ready.add(lane);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const { cork, uncork } = this.#options;
      cork();
      try {
        for (const lane of this.#ready) void this.#send(lane);
      } finally {
        this.#ready.clear();
        uncork();
      }
    });
  }

  async #send(lane: Lane): Promise<void> {
    lane.isBusy = true;
    const isPublishing = 'publication' in lane.queue[0]!;
    const batch = this.#take(lane, isPublishing);
    if (isPublishing) await this.#options.append(lane.channel, batch as Item[]);
    else await Promise.all(batch.map((waiting) => (waiting as { ask: () => Promise<void> }).ask()));
    lane.isBusy = false;
    if (lane.queue.length > 0) {
      this.#wake(lane);
      return;
    }
    this.#lanes.delete(lane.channel);
    if (this.#lanes.size === 0) this.#drained?.();
  }

  /** The first ones of a kind: questions all together, publications up to the limits of a call. */
  #take(lane: Lane, isPublishing: boolean): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of lane.queue) {
      if ('publication' in waiting !== isPublishing) break;
      if (isPublishing) {
        bytes += bytesOf((waiting as Item).publication);
        if (count === CALL_ITEMS || (count > 0 && bytes > CALL_BYTES)) break;
      }
      count++;
    }
    return lane.queue.splice(0, count);
  }
}

function bytesOf({ data, meta, sent }: Publication): number {
  return ITEM_BYTES + 2 * (data.length + (meta?.length ?? 0) + (sent?.length ?? 0));
}

/** A limit as Redis gets it: Lua has no word for infinity. */
export function finite(limit: number): number | string {
  return Number.isFinite(limit) ? limit : '1e300';
}

export const keepOf = ({ keep = DEFAULT_KEEP }: Publication) => [finite(keep.size), finite(keep.ttl)] as const;
