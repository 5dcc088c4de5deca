import type { Entry } from '../broker.ts';
import type { Watchers } from '../watchers.ts';

/** Up to where the listeners to a channel have been told. */
export interface Told {
  epoch: string;
  head: number;
}

/** Channels that only patterns watch, whose positions are remembered: an older one may be told twice of an entry. */
const REMEMBERED = 10_000;

/**
 * Tells listeners each entry once, in order, however many ways it comes: by the topic of the channel, by that of its
 * family, and from the log.
 */
export class Heard {
  readonly #watchers: Watchers;
  /** Of channels that are watched by name. */
  readonly #watched = new Map<string, Told>();
  /** Of channels that only patterns watch, the least recently heard first. */
  readonly #others = new Map<string, Told>();

  constructor(watchers: Watchers) {
    this.#watchers = watchers;
  }

  /** The channels that are watched by name. */
  get watched(): ReadonlyMap<string, Told> {
    return this.#watched;
  }

  of(channel: string): Told | undefined {
    return this.#watched.get(channel) ?? this.#others.get(channel);
  }

  /** Whether the channel is told to anybody up to here, or beyond. */
  has(channel: string, epoch: string, offset: number): boolean {
    const told = this.of(channel);
    return told !== undefined && told.epoch === epoch && told.head >= offset;
  }

  /** The channel is watched by name from now on; what is up to this position is known. */
  begin(channel: string, epoch: string, head: number): void {
    const told = this.#watched.get(channel) ?? this.#others.get(channel);
    this.#others.delete(channel);
    this.#watched.set(channel, told && (told.epoch !== epoch || told.head >= head) ? told : { epoch, head });
  }

  end(channel: string): void {
    this.#watched.delete(channel);
  }

  tell(channel: string, epoch: string, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (!last) return;
    const told = this.of(channel);
    const isSame = told?.epoch === epoch;
    const fresh =
      isSame && entries[0]!.offset <= told.head ? entries.filter(({ offset }) => offset > told.head) : entries;
    if (fresh.length === 0) return;
    if (told) {
      told.epoch = epoch;
      told.head = last.offset;
    } else this.#others.set(channel, { epoch, head: last.offset });
    if (this.#others.size > REMEMBERED) this.#others.delete(this.#others.keys().next().value!);
    this.#watchers.tell(channel, epoch, fresh);
  }
}
