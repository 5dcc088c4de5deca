import type { Clock } from '../../clock.ts';
import type { Page } from './backlog.ts';

/** The pause before a retry is random, up to a bound that doubles after each failure. In milliseconds. */
const BACKOFF = { first: 1_000, longest: 300_000 };

/** Where the events wait. */
export interface Waiting {
  page(receiver: string, most?: number): Page | undefined | Promise<Page | undefined>;
  acknowledge(receiver: string, page: Pick<Page, 'events' | 'missed'>): void | Promise<void>;
}

export interface DeliveryParts {
  readonly backlog: Waiting;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: { info(fields: object, sentence: string): void; warn(fields: object, sentence: string): void };
}

/** Whom events are delivered to, in whatever way. */
export interface Receiver {
  /** Its name in the backlog. */
  readonly id: string;
  /** In the log: 'webhook', with its `place`. */
  readonly kind: string;
  /** What stands for it in the log: no secrets. */
  readonly place: string;
  /** How many events it takes at once. Default: as many as make a page. */
  readonly most?: number;
  /**
   * Resolves when it has acknowledged all of a page. `taken`: called for what it has acknowledged by itself, which is not
   * repeated when another event of the page fails.
   */
  take(page: Page, signal: AbortSignal, taken: (version: number) => void): Promise<void>;
}

/**
 * Delivers the events of one receiver: one page at a time, the oldest first, each repeated until it is acknowledged. So
 * the order is kept, and a receiver that is down does not affect the others.
 */
export class Delivery {
  #receiver: Receiver;
  readonly #parts: DeliveryParts;
  #isRunning = false;
  /** Something may have come since the last look. */
  #again = false;
  #run: Promise<void> = Promise.resolve();
  #failures = 0;
  #cancelPause: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(receiver: Receiver, parts: DeliveryParts) {
    this.#receiver = receiver;
    this.#parts = parts;
  }

  /** The same receiver with other options. `endPause`: the old ones may have been why it failed, so that it is tried again at once. */
  use(receiver: Receiver, endPause: boolean): void {
    this.#receiver = receiver;
    if (!endPause) return;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.wake();
  }

  /** Starts delivering, except while a delivery runs, or in the pause after a failure. */
  wake(): void {
    this.#again = true;
    if (this.#isRunning || this.#cancelPause || this.#stop.signal.aborted) return;
    this.#isRunning = true;
    this.#run = this.#deliverAll();
  }

  /** Aborts the delivery under way, which is repeated after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelPause?.();
    await this.#run;
  }

  async #deliverAll(): Promise<void> {
    const { backlog, log } = this.#parts;
    const { id, kind, place, most } = this.#receiver;
    try {
      for (;;) {
        this.#again = false;
        const found = backlog.page(id, most);
        const page = found instanceof Promise ? await found : found;
        if (this.#stop.signal.aborted) break;
        if (!page && this.#again) continue;
        if (!page) break;
        await this.#take(page);
        if (this.#failures > 0) log.info({ [kind]: place }, `a ${kind} accepts events again`);
        this.#failures = 0;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#pause(error);
    }
    this.#isRunning = false;
  }

  async #take(page: Page): Promise<void> {
    const { backlog } = this.#parts;
    const { id } = this.#receiver;
    const taken = new Set<number>();
    try {
      await this.#receiver.take(page, this.#stop.signal, (version) => taken.add(version));
    } catch (error) {
      await backlog.acknowledge(id, { events: page.events.filter(({ version }) => taken.has(version)), missed: 0 });
      throw error;
    }
    await backlog.acknowledge(id, page);
  }

  /** Full jitter: many daemons whose calls failed together do not retry together. */
  #pause(error: unknown): void {
    const { clock, random, log } = this.#parts;
    const pause = random() * Math.min(BACKOFF.longest, BACKOFF.first * 2 ** this.#failures++);
    this.#cancelPause = clock.after(pause, () => {
      this.#cancelPause = undefined;
      this.wake();
    });
    const { message, code } = error as NodeJS.ErrnoException;
    const reason = typeof code === 'string' ? code : message; // a DOMException has a number
    const { kind, place } = this.#receiver;
    const fields = { [kind]: place, reason, failures: this.#failures };
    log.warn(fields, `a ${kind} did not accept its events: they are kept, and sent again later`);
  }
}
