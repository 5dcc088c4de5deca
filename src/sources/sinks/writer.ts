import { ZocaloError } from '../../errors.ts';
import { Attempts, type AttemptsOptions, Pause } from '../databases/index.ts';
import type { Published } from './published.ts';
import type { RowTemplate } from './row.ts';
import type { Row, Target } from './table.ts';

/** Rows that are written in one transaction, and bytes of the publications that they are made of. */
const BATCH = { rows: 500, bytes: 1 << 20 };
/** Milliseconds after which the queue is looked at, although nobody said that something came. */
const IDLE = 5_000;
/** Milliseconds between two looks at how much waits. */
const LOOK = 1_000;

/** What waits to be written, in its order. */
export interface WaitingRows {
  page(bounds: { readonly limit: number; readonly bytes: number }): Promise<readonly Published[]>;
  settle(upTo: number): Promise<void>;
  setAside(place: number, reason: string): Promise<void>;
  state(): Promise<{ readonly waiting: number; readonly aside: number; readonly oldest: number | null }>;
}

export interface WriterOptions extends AttemptsOptions {
  readonly queue: WaitingRows;
  readonly row: RowTemplate;
  readonly open: () => Promise<Target>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A publication that cannot be written was set aside. */
  readonly onAside: (error: ZocaloError) => void;
}

export interface WriterStatus {
  /** Undefined while all is well. */
  readonly error: ZocaloError | undefined;
  /** Undefined until it was looked at. */
  readonly waiting: number | undefined;
  readonly aside: number | undefined;
  /** Milliseconds since the oldest that waits was published. */
  readonly lag: number | undefined;
  /** Rows written since the start. */
  readonly written: number;
  /** Failures since the start. */
  readonly failures: number;
}

/**
 * Writes what waits in a queue as rows, in its order, and removes it from the queue when it is written. What is refused
 * is found by halving the batch, and set aside in the queue before later rows are written.
 */
export class SinkWriter {
  readonly #options: WriterOptions;
  readonly #attempts: Attempts;
  readonly #pause: Pause;
  #running: Promise<void> | undefined;
  #target: Target | undefined;
  #phase: 'running' | 'emptying' | 'stopped' = 'running';
  #isIdle = false;
  #isWoken = false;
  /** Rows of the next batch: fewer after one was refused. */
  #size: number = BATCH.rows;
  #written = 0;
  #state: Awaited<ReturnType<WaitingRows['state']>> | undefined;
  #stopLooking = (): void => {};

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options);
    this.#pause = new Pause(options.clock);
  }

  get status(): WriterStatus {
    const { error, failures } = this.#attempts;
    const { waiting, aside, oldest } = this.#state ?? {};
    const lag = oldest === undefined ? undefined : oldest === null ? 0 : Math.max(0, this.#options.now() - oldest);
    return { error, failures, waiting, aside, lag, written: this.#written };
  }

  /** Begins, and does not wait for the database. */
  start(): void {
    this.#running ??= this.#run();
    this.#stopLooking = this.#options.clock.every(LOOK, () => void this.#look());
  }

  /** Something may have come into the queue. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isIdle) this.#pause.end();
  }

  /** Resolves when the batch under way is written, or has failed. Nothing is written afterwards. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    await this.#end();
  }

  /** The same, but writes what waits before, unless the database fails; at most for `grace` milliseconds. */
  async close(grace: number): Promise<void> {
    if (this.#phase === 'running') this.#phase = 'emptying';
    const cancel = this.#options.clock.after(grace, () => {
      this.#phase = 'stopped';
      this.#target?.close();
    });
    await this.#end();
    cancel();
  }

  async #end(): Promise<void> {
    this.#stopLooking();
    this.#pause.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#phase === 'running') {
      try {
        this.#target = await this.#options.open();
        await this.#writeAll(this.#target);
      } catch (error) {
        // Not after the pause: a transaction has locks.
        this.#target?.close();
        if (this.#phase !== 'running') return;
        await this.#look();
        await this.#pause.wait(this.#attempts.failed(error));
      } finally {
        this.#target?.close();
        this.#target = undefined;
      }
    }
  }

  async #writeAll(target: Target): Promise<void> {
    while (this.#phase !== 'stopped') {
      this.#isWoken = false;
      const count = await this.#batch(target);
      this.#attempts.recovered();
      if (count > 0) continue;
      if (this.#phase === 'emptying') return;
      if (!this.#isWoken) await this.#idle();
    }
  }

  async #idle(): Promise<void> {
    await this.#look();
    if (this.#isWoken || this.#phase !== 'running') return;
    this.#isIdle = true;
    await this.#pause.wait(IDLE);
    this.#isIdle = false;
  }

  /** Returns how many were taken from the queue, or tried. */
  async #batch(target: Target): Promise<number> {
    const { queue } = this.#options;
    const page = await queue.page({ limit: Math.min(this.#size, target.most), bytes: BATCH.bytes });
    if (page.length === 0) return 0;
    const rows: Row[] = [];
    for (const published of page) {
      const values = this.#options.row(published);
      if (values instanceof ZocaloError) await this.#setAside(published, values);
      else rows.push({ place: published.place, values });
    }
    if (rows.length === 0) return page.length;
    try {
      await target.write(rows);
    } catch (error) {
      if (!(error instanceof ZocaloError) || error.code !== 'SINK_ROW_REFUSED') throw error;
      if (rows.length === 1) await this.#setAside(page.find(({ place }) => place === rows[0]!.place)!, error);
      this.#size = Math.max(1, Math.floor(rows.length / 2));
      return page.length;
    }
    await queue.settle(rows.at(-1)!.place);
    this.#written += rows.length;
    this.#size = Math.min(BATCH.rows, this.#size * 2);
    return page.length;
  }

  async #setAside({ place, channel, offset }: Published, cause: ZocaloError): Promise<void> {
    const happened = `publication ${offset} of ${channel} was not written by the sink ${this.#options.name}: ${cause.happened}`;
    await this.#options.queue.setAside(place, cause.happened);
    this.#options.onAside(new ZocaloError('SINK_ROW_REFUSED', happened, { cause }));
  }

  /** How much waits is only told, so that a store which fails is noticed elsewhere. */
  async #look(): Promise<void> {
    this.#state = await this.#options.queue.state().catch(() => this.#state);
  }
}
