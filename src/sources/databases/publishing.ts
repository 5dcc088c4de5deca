import { ZocaloError } from '../../errors.ts';
import type { OutboxRow } from './outbox.ts';

/**
 * Milliseconds. A row that is younger cannot have been published so long ago that the log has forgotten its key, which
 * it remembers for ten minutes at least. For an older one, see `published-keys.ts`.
 */
const KEY_IS_SURE = 300_000;

export interface PublishingOptions {
  /** Publishes a row, unless its key is among the known ones. Resolves with why it could not be; never rejects. */
  readonly publish: (row: OutboxRow, known: ReadonlySet<string> | undefined, sequence: object) => Promise<unknown>;
  /** The keys of what a channel has. */
  readonly keysIn: (channel: string) => Promise<ReadonlySet<string> | undefined>;
  /** A row can never be published. Returns why. */
  readonly setAside: (row: OutboxRow, error: unknown) => string;
}

/**
 * The rows of one transaction on their way into the log. Rows of a channel are one sequence, also if they are added one
 * after the other: none passes one that failed. Channels are independent of each other.
 */
export class Publishing {
  /** Ids of rows that are in the log. */
  readonly done: string[] = [];
  readonly aside: { readonly id: string; readonly error: string }[] = [];
  readonly #options: PublishingOptions;
  /** By channel: what stands for its sequence, and when all that was added has been handed to the log. */
  readonly #channels = new Map<string, { readonly sequence: object; handed: Promise<unknown> }>();
  readonly #running: Promise<void>[] = [];
  #pending = 0;
  #trouble: unknown;

  constructor(options: PublishingOptions) {
    this.#options = options;
  }

  /** Whether all that was added has its outcome. */
  get isOver(): boolean {
    return this.#pending === 0;
  }

  /** Resolves when these have their outcome. */
  async add(rows: readonly OutboxRow[]): Promise<void> {
    const running: Promise<void>[] = [];
    for (const [name, those] of Map.groupBy(rows, ({ channel }) => channel)) {
      const channel = this.#channels.get(name) ?? { sequence: {}, handed: Promise.resolve() };
      this.#channels.set(name, channel);
      this.#pending++;
      const handed = Promise.withResolvers<void>();
      running.push(this.#publish(name, channel.sequence, those, channel.handed, handed.resolve));
      channel.handed = handed.promise;
    }
    this.#running.push(...running);
    await Promise.all(running);
  }

  /** Resolves when all that was added has its outcome. Returns why the log did not take a row, which it may later. */
  async end(): Promise<unknown> {
    await Promise.all(this.#running);
    return this.#trouble;
  }

  async #publish(
    channel: string,
    sequence: object,
    rows: readonly OutboxRow[],
    earlier: Promise<unknown>,
    onHanded: () => void,
  ): Promise<void> {
    const { publish, keysIn, setAside } = this.#options;
    try {
      const known = rows.some(({ age }) => age > KEY_IS_SURE) ? await keysIn(channel) : undefined;
      await earlier;
      // All at once, so that they share a transaction of the log.
      const outcomes = rows.map((row) => publish(row, known, sequence));
      onHanded();
      for (const [at, outcome] of outcomes.entries()) {
        const row = rows[at]!;
        const error = await outcome;
        if (error === undefined) this.done.push(row.id);
        else if (isTransient(error)) this.#trouble ??= error;
        else this.aside.push({ id: row.id, error: setAside(row, error) });
      }
    } catch (error) {
      this.#trouble ??= error;
      onHanded();
    } finally {
      this.#pending--;
    }
  }
}

/** Whether the log may take it later. Everything else is wrong with the row itself. */
function isTransient(error: unknown): boolean {
  return error instanceof ZocaloError && error.code.startsWith('LOG_');
}
