import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Changes } from '../decoding/index.ts';
import type { Heard } from './interpreter.ts';
import type { Publish } from './options.ts';
import { type Attempt, type StoreOptions, store } from './store.ts';
import type { Totals } from './totals.ts';

/** What all senders of a source have in common. */
export interface ReadingsContext {
  readonly publish: Publish;
  /** Undefined: all readings are published. */
  readonly changes: Changes | undefined;
  readonly totals: Totals;
  readonly clock: Clock;
  readonly makeId: () => string;
}

/** Stores the readings of one sender: each with a key of its own, and with `only: changed` only what differs. */
export class Readings {
  readonly #context: ReadingsContext;
  readonly #options: Pick<StoreOptions, 'signal' | 'onFailure'>;
  #keys = 0;
  #prefix: string | undefined;

  constructor(context: ReadingsContext, options: Pick<StoreOptions, 'signal' | 'onFailure'>) {
    this.#context = context;
    this.#options = options;
  }

  /**
   * Of each, whether it may be answered: it was stored, or there was nothing to store. False: it was refused for good.
   * @throws the signal's reason.
   */
  async store(heard: readonly Heard[]): Promise<boolean[]> {
    const { changes } = this.#context;
    const attempts = heard.map((said) => this.#attempt(said));
    const stored = await this.#store(attempts.filter((attempt) => attempt !== undefined));
    return attempts.map((attempt) => {
      if (!attempt) return true;
      if (!stored.get(attempt)) return false;
      changes?.keep(attempt.reading.channel, attempt.reading.data);
      return true;
    });
  }

  /** Undefined: there is nothing to publish. */
  #attempt({ reading }: Heard): Attempt | undefined {
    const { changes, totals, makeId } = this.#context;
    if (reading === undefined || reading instanceof ZocaloError) return;
    if (changes && !changes.differs(reading.channel, reading.data)) {
      totals.unchanged++;
      return;
    }
    this.#prefix ??= makeId();
    return { reading, key: reading.key ?? `${this.#prefix}-${++this.#keys}` };
  }

  async #store(attempts: readonly Attempt[]): Promise<Map<Attempt, boolean>> {
    const { publish, clock, totals } = this.#context;
    if (attempts.length === 0) return new Map();
    totals.waiting += attempts.length;
    try {
      const stored = await store(attempts, { publish, clock, ...this.#options });
      totals.published += stored.filter(Boolean).length;
      return new Map(attempts.map((attempt, index) => [attempt, stored[index]!]));
    } finally {
      totals.waiting -= attempts.length;
    }
  }
}
