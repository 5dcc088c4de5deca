import { sizeOf } from './broker.ts';
import { newSeed } from './epochs.ts';
import {
  ASIDE,
  matcherOf,
  placeAfter,
  type Queued,
  type QueueOptions,
  type QueueState,
  type SetAside,
} from './queueing.ts';

interface Queue {
  waiting: Queued[];
  aside: SetAside[];
  bytes: number;
}

interface Filled {
  readonly options: QueueOptions;
  readonly matches: (channel: string) => boolean;
  readonly queue: Queue;
}

/** Queues that live as long as the process. */
export class MemoryQueues {
  readonly #id = newSeed();
  readonly #queues = new Map<string, Queue>();
  #filled: readonly Filled[] = [];
  #last = 0;

  get isUsed(): boolean {
    return this.#filled.length > 0;
  }

  use(queues: readonly QueueOptions[]): string {
    this.#filled = queues.map((options) => ({
      options,
      matches: matcherOf(options),
      queue: this.#of(options.name),
    }));
    return this.#id;
  }

  /** One that has no room for a publication to this channel. */
  full(channel: string): { name: string; rows: number } | undefined {
    for (const { options, matches, queue } of this.#filled)
      if ((queue.waiting.length >= options.rows || queue.bytes >= options.bytes) && matches(channel))
        return { name: options.name, rows: queue.waiting.length };
    return undefined;
  }

  add(entry: Omit<Queued, 'place'>, now: number): void {
    for (const { matches, queue } of this.#filled) {
      if (!matches(entry.channel)) continue;
      this.#last = placeAfter(this.#last, now);
      queue.waiting.push({ ...entry, place: this.#last });
      queue.bytes += sizeOf(entry.data, entry.meta);
    }
  }

  page(name: string, limit: number, bytes: number): readonly Queued[] {
    return pageOf(this.#of(name).waiting, limit, bytes);
  }

  aside(name: string, after: number, limit: number, bytes: number): readonly SetAside[] {
    const { aside } = this.#of(name);
    const rest = aside.filter(({ place }) => place > after);
    return pageOf(rest, limit, bytes);
  }

  settle(name: string, upTo: number): void {
    const { waiting } = this.#of(name);
    const end = waiting.findIndex(({ place }) => place > upTo);
    this.#remove(name, 0, end < 0 ? waiting.length : end);
  }

  setAside(name: string, place: number, reason: string): void {
    const queue = this.#of(name);
    const at = queue.waiting.findIndex((entry) => entry.place === place);
    if (at < 0) return;
    queue.aside.push(...this.#remove(name, at, 1).map((entry) => ({ ...entry, reason })));
    // One that was tried again may have a higher place than one that is set aside later.
    queue.aside.sort((one, other) => one.place - other.place);
    if (queue.aside.length > ASIDE) queue.aside.shift();
  }

  retry(name: string, places: readonly number[] | undefined, now: number): number {
    const queue = this.#of(name);
    const taken = this.#takeAside(queue, places);
    for (const { reason: _, ...entry } of taken) {
      this.#last = placeAfter(this.#last, now);
      queue.waiting.push({ ...entry, place: this.#last });
      queue.bytes += sizeOf(entry.data, entry.meta);
    }
    return taken.length;
  }

  drop(name: string, places: readonly number[]): number {
    return this.#takeAside(this.#of(name), places).length;
  }

  state(name: string): QueueState {
    const { waiting, aside } = this.#of(name);
    return { waiting: waiting.length, aside: aside.length, oldest: waiting[0]?.time ?? null };
  }

  #remove(name: string, from: number, count: number): readonly Queued[] {
    const queue = this.#of(name);
    const gone = queue.waiting.splice(from, count);
    for (const { data, meta } of gone) queue.bytes -= sizeOf(data, meta);
    return gone;
  }

  #takeAside(queue: Queue, places?: readonly number[]): readonly SetAside[] {
    const meant = places && new Set(places);
    const taken = queue.aside.filter(({ place }) => meant?.has(place) ?? true);
    if (meant) queue.aside = queue.aside.filter(({ place }) => !meant.has(place));
    else queue.aside = [];
    return taken;
  }

  #of(name: string): Queue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = { waiting: [], aside: [], bytes: 0 };
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

function pageOf<Entry extends Queued>(entries: readonly Entry[], limit: number, bytes: number): readonly Entry[] {
  let left = bytes;
  const page = entries.slice(0, limit);
  const end = page.findIndex(({ data, meta }, at) => {
    left -= sizeOf(data, meta);
    return left < 0 && at > 0;
  });
  return end < 0 ? page : page.slice(0, end);
}
