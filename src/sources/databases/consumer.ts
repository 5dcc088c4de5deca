import { ZocaloError } from '../../errors.ts';
import type { Hub, HubPublishOptions } from '../../hub/index.ts';
import { isChannel, JsonText } from '../../protocol/index.ts';
import { Attempts, type AttemptsOptions, Pause } from './attempts.ts';
import type { Outbox, OutboxRow } from './outbox.ts';
import { keysIn } from './published-keys.ts';
import { Publishing } from './publishing.ts';

/** Milliseconds between two looks into an outbox: soon after rows were there, less and less often while none come. */
const POLL = { first: 10, longest: 250 };
/** Milliseconds while the database tells of rows by itself. */
const WOKEN_POLL = 5_000;
/** Milliseconds between two counts of the rows. */
const MEASURE = 5_000;
/** Rows that are published in one transaction, about, and milliseconds after which it takes no more. */
const MOST = 500;
const LONGEST = 100;
/** Rows that are published but not deleted, remembered until they are. */
const REMEMBERED = 10_000;

/** What is used of the hub. */
export interface Log extends Pick<Hub, 'history'> {
  publish(channel: string, data: JsonText, options: HubPublishOptions): Promise<unknown>;
}

/** The source's name is part of the keys: another name publishes waiting rows again. */
export interface ConsumerOptions extends AttemptsOptions {
  /** Opens the outbox. `onWake`: the database tells that rows may be there. */
  readonly open: (onWake: () => void) => Promise<Outbox>;
  readonly log: Log;
  /** A row can never be published, and was set aside. */
  readonly onAside: (error: ZocaloError) => void;
}

export interface ConsumerStatus {
  /** Undefined while all is well. */
  readonly error: ZocaloError | undefined;
  /** Undefined until the database was asked. */
  readonly waiting: number | undefined;
  readonly aside: number | undefined;
  /** Milliseconds that the oldest waiting row had waited, when it was asked. */
  readonly lag: number | undefined;
  /** Rows published since the start. */
  readonly published: number;
  /** Failures since the start. */
  readonly failures: number;
}

/**
 * Publishes the rows of an outbox, and deletes each when it is in the log. There is no watermark: a row is either there
 * or not, so a transaction that commits late is not passed over, whatever ids its rows have. Rows of a channel are a
 * sequence, so that none passes one that failed; channels are independent of each other.
 */
export class OutboxConsumer {
  readonly #options: ConsumerOptions;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #isWoken = false;
  #isIdle = false;
  /** Whether the last rows were announced. */
  #isTold = false;
  readonly #pause: Pause;
  readonly #attempts: Attempts;
  /** The keys of rows that are in the log, but still in the table too. */
  readonly #done = new Set<string>();
  #measured = Number.NEGATIVE_INFINITY;
  #measure: Pick<ConsumerStatus, 'waiting' | 'aside' | 'lag'> = {
    waiting: undefined,
    aside: undefined,
    lag: undefined,
  };
  #published = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
    this.#attempts = new Attempts(options);
  }

  get status(): ConsumerStatus {
    const { error, failures } = this.#attempts;
    return { ...this.#measure, error, failures, published: this.#published };
  }

  /** Rows may be there. A database that failed is not tried again earlier for that. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isIdle) this.#pause.end();
  }

  /** Begins, and does not wait for the database. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when what was taken is settled. Nothing is published afterwards. */
  async close(): Promise<void> {
    this.#isStopped = true;
    this.#pause.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      let outbox: Outbox | undefined;
      try {
        outbox = await this.#options.open(() => this.wake());
        await this.#consume(outbox);
      } catch (error) {
        // Not after the pause: a transaction has locks.
        outbox?.close();
        if (!this.#isStopped) await this.#pause.wait(this.#attempts.failed(error));
      } finally {
        outbox?.close();
      }
    }
  }

  async #consume(outbox: Outbox): Promise<void> {
    let poll = POLL.first;
    while (!this.#isStopped) {
      const wasWoken = this.#isWoken;
      this.#isWoken = false;
      const count = await this.#batch(outbox);
      await this.#look(outbox);
      this.#attempts.recovered();
      if (count > 0) {
        this.#isTold = wasWoken;
        poll = POLL.first;
      } else if (!this.#isWoken && !this.#isStopped) {
        this.#isIdle = true;
        await this.#pause.wait(poll);
        this.#isIdle = false;
        poll = Math.min(poll * 2, this.#isTold ? WOKEN_POLL : POLL.longest);
      }
    }
  }

  /**
   * One transaction: rows are taken as long as the log has not yet stored those before, so that both work at the same
   * time. Returns how many rows were taken.
   */
  async #batch(outbox: Outbox): Promise<number> {
    const publishing = new Publishing({
      publish: (row, known, sequence) => this.#publish(row, known, sequence),
      keysIn: async (channel) => (isChannel(channel) ? keysIn(this.#options.log, channel) : undefined),
      setAside: (row, error) => this.#setAside(row, error),
    });
    const taken: OutboxRow[] = [];
    try {
      const { clock } = this.#options;
      const end = clock.now() + LONGEST;
      let last: Promise<void> | undefined;
      do {
        const rows = await outbox.take();
        if (rows.length === 0) break;
        taken.push(...rows);
        const next = publishing.add(rows);
        // Not more than two at a time: then so many come together as the log takes at once.
        await last;
        last = next;
      } while (!publishing.isOver && taken.length < MOST && clock.now() < end && !this.#isStopped);
    } finally {
      await publishing.end();
    }
    await outbox.settle(publishing);
    for (const row of taken) this.#done.delete(this.#keyOf(row));
    const trouble = await publishing.end();
    if (trouble !== undefined) throw trouble;
    return taken.length;
  }

  /** Returns why it could not be published. */
  async #publish(row: OutboxRow, known: ReadonlySet<string> | undefined, sequence: object): Promise<unknown> {
    const own = this.#keyOf(row);
    const key = row.key ?? own;
    if (this.#done.has(own)) return;
    try {
      if (!known?.has(key)) {
        await this.#options.log.publish(row.channel, JsonText.parse(row.data), { key, sequence });
        this.#published++;
      }
      this.#done.add(own);
      if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.values().next().value!);
      return;
    } catch (error) {
      return error;
    }
  }

  /** The time is in it because a table that was emptied by TRUNCATE counts its ids from 1 again. */
  #keyOf({ id, created }: OutboxRow): string {
    return `outbox:${this.#options.name}:${id}:${BigInt(created).toString(36)}`;
  }

  #setAside({ id, channel }: OutboxRow, cause: unknown): string {
    const { message } = cause as Error;
    const happened = `row ${id} of ${this.#options.name}, for ${JSON.stringify(channel)}, cannot be published: ${message}`;
    this.#options.onAside(new ZocaloError('OUTBOX_ROW_REFUSED', happened, { cause }));
    return message;
  }

  async #look(outbox: Outbox): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#measured < MEASURE) return;
    this.#measure = await outbox.measure();
    this.#measured = now;
  }
}
