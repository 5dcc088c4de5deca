import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';

/** Milliseconds until a database is tried again: random, between half of it and all of it, and doubled each time. */
const BACKOFF = { first: 250, longest: 30_000 };
/** The same while another transaction is in the way, which passes by itself. */
const BUSY_BACKOFF = { first: 20, longest: 1_000 };
/** Milliseconds from one such failure to a later one, with no success between: it does not pass by itself then. */
const BUSY_LASTS = 5_000;

export interface AttemptsOptions {
  /** What is tried, for errors that are not ours. */
  readonly name: string;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Something failed, and is tried again after `pause` milliseconds. */
  readonly onFailed: (error: ZocaloError, pause: number) => void;
  /** Another transaction was in the way. It is tried again soon, and told by `onFailed` only when that lasts. */
  readonly onBusy: (error: ZocaloError) => void;
  readonly onRecovered: () => void;
}

/** What is tried again until it works. */
export class Attempts {
  readonly #options: AttemptsOptions;
  #inARow = 0;
  #failures = 0;
  #error: ZocaloError | undefined;
  /** Since when another transaction is in the way, and how often it was. */
  #busy: { readonly since: number; count: number } | undefined;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Undefined while all is well. */
  get error(): ZocaloError | undefined {
    return this.#error;
  }

  /** Failures since the start. */
  get failures(): number {
    return this.#failures;
  }

  /** Returns how long to wait, in milliseconds. */
  failed(cause: unknown): number {
    const { name, onFailed } = this.#options;
    const happened = `${name}: ${(cause as Error).message}`;
    const error = cause instanceof ZocaloError ? cause : new ZocaloError('UNEXPECTED', happened, { cause });
    this.#failures++;
    const soon = this.#busyPause(error);
    if (soon !== undefined) return soon;
    this.#error = error;
    const pause = this.#pauseOf(BACKOFF, this.#inARow++);
    onFailed(error, pause);
    return pause;
  }

  recovered(): void {
    this.#busy = undefined;
    if (this.#error === undefined) return;
    this.#inARow = 0;
    this.#error = undefined;
    this.#options.onRecovered();
  }

  /** Undefined for a failure like any other. */
  #busyPause(error: ZocaloError): number | undefined {
    if (error.code !== 'DATABASE_BUSY' || this.#error !== undefined) return undefined;
    const { clock, onBusy } = this.#options;
    this.#busy ??= { since: clock.now(), count: 0 };
    if (clock.now() - this.#busy.since >= BUSY_LASTS) return undefined;
    onBusy(error);
    return this.#pauseOf(BUSY_BACKOFF, this.#busy.count++);
  }

  #pauseOf({ first, longest }: typeof BACKOFF, count: number): number {
    const most = Math.min(longest, first * 2 ** count);
    return most / 2 + (this.#options.random() * most) / 2;
  }
}

/** A wait that can be ended early. */
export class Pause {
  readonly #clock: Clock;
  #end = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds. */
  wait(time: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(time, () => this.end());
      this.#end = () => {
        this.#end = () => {};
        cancel();
        resolve();
      };
    });
  }

  end(): void {
    this.#end();
  }
}
