import type { Clock } from '../../clock.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { HubLimits } from '../limits.ts';
import { TokenBucket } from '../token-bucket.ts';

/** Bytes for this many seconds may be refused and promised for later, before it counts as an error. */
const PROMISED_SECONDS = 60;

/** The rates of one connection: lines, bytes, publications to a channel, and errors. */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: Required<HubLimits>;
  readonly lines: TokenBucket;
  readonly bytes: TokenBucket;
  /** Created at the first refusal. */
  #errors: TokenBucket | null = null;
  /** By channel, created at the first publication to one with a rate. */
  #rates: Map<string, TokenBucket> | null = null;

  constructor(clock: Clock, limits: Required<HubLimits>) {
    const { requests, bytes } = limits;
    this.#clock = clock;
    this.#limits = limits;
    this.lines = new TokenBucket(clock, requests, 2 * requests);
    this.bytes = new TokenBucket(clock, bytes, 8 * bytes);
  }

  /** Returns 0, or the milliseconds until its turn. */
  takeLine(): number {
    return this.lines.takeTurn();
  }

  /** Like `takeLine`. */
  takeBytes(count: number): number {
    return this.bytes.takeTurn(count);
  }

  /**
   * Whether the client goes on sending in spite of refusals. What was in flight at the first refusal does not count.
   */
  get isUnheeded(): boolean {
    const { bytes, waiting } = this.#limits;
    return this.lines.promised > waiting || this.bytes.promised > PROMISED_SECONDS * bytes;
  }

  /** False when there were too many. */
  takeError(): boolean {
    const { errors } = this.#limits;
    this.#errors ??= new TokenBucket(this.#clock, errors / 10, errors);
    return this.#errors.take() === 0;
  }

  /** Counts one publication. `onUnheeded` is called as for lines. @throws ProtocolError RATE_LIMITED. */
  takePublication(channel: string, perSecond: number, onUnheeded: () => void): void {
    const rate = this.rateOf(channel, perSecond);
    const pause = rate.takeTurn();
    if (pause === 0) return;
    if (rate.promised > this.#limits.waiting) onUnheeded();
    throw new ProtocolError('RATE_LIMITED', `too many publications to ${channel}`, pause);
  }

  /** The bucket for publications to one channel. It is replaced when the rate has changed. */
  rateOf(channel: string, perSecond: number): TokenBucket {
    this.#rates ??= new Map();
    let rate = this.#rates.get(channel);
    if (rate?.perSecond !== perSecond) {
      // A client that always uses new channel names must not fill the memory: the oldest is removed.
      if (!rate && this.#rates.size >= this.#limits.subscriptions) this.#rates.delete(this.#rates.keys().next().value!);
      rate = new TokenBucket(this.#clock, perSecond, 2 * perSecond);
      this.#rates.set(channel, rate);
    }
    return rate;
  }
}
