import type { Clock } from '../clock.ts';
import { ProtocolError } from '../protocol/index.ts';
import { Allowance } from './allowance.ts';
import type { HubLimits } from './limits.ts';

/** So many seconds' worth of bytes may be refused, and promised for later, before it counts as an error. */
const PROMISED_SECONDS = 60;

/** How much one connection may send: lines, bytes, publications to a channel, and errors. */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: Required<HubLimits>;
  readonly #lines: Allowance;
  readonly #bytes: Allowance;
  /** Once something had to be refused. */
  #errors: Allowance | null = null;
  /** By channel, once somebody publishes to one that has a rate. */
  #rates: Map<string, Allowance> | null = null;

  constructor(clock: Clock, limits: Required<HubLimits>) {
    const { requests, bytes } = limits;
    this.#clock = clock;
    this.#limits = limits;
    this.#lines = new Allowance(clock, requests, 2 * requests);
    this.#bytes = new Allowance(clock, bytes, 8 * bytes);
  }

  /** Answers 0, or the milliseconds until its turn. */
  takeLine(): number {
    return this.#lines.takeTurn();
  }

  /** As `takeLine`. */
  takeBytes(count: number): number {
    return this.#bytes.takeTurn(count);
  }

  /** What is under way when the first refusal arrives is no error; what then goes on coming is. */
  get isUnheeded(): boolean {
    const { bytes, waiting } = this.#limits;
    return this.#lines.promised > waiting || this.#bytes.promised > PROMISED_SECONDS * bytes;
  }

  /** False when there were too many. */
  takeError(): boolean {
    const { errors } = this.#limits;
    this.#errors ??= new Allowance(this.#clock, errors / 10, errors);
    return this.#errors.take() === 0;
  }

  /** Takes one of so many publications a second. `onUnheeded` is called as for lines. @throws ProtocolError RATE_LIMITED. */
  takePublication(channel: string, perSecond: number, onUnheeded: () => void): void {
    const rate = this.#rateOf(channel, perSecond);
    const pause = rate.takeTurn();
    if (pause === 0) return;
    if (rate.promised > this.#limits.waiting) onUnheeded();
    throw new ProtocolError('RATE_LIMITED', `too many publications to ${channel}`, pause);
  }

  #rateOf(channel: string, perSecond: number): Allowance {
    this.#rates ??= new Map();
    let rate = this.#rates.get(channel);
    if (!rate) {
      // A client that names ever new channels must not fill the memory: the oldest is forgotten.
      if (this.#rates.size >= this.#limits.subscriptions) this.#rates.delete(this.#rates.keys().next().value!);
      rate = new Allowance(this.#clock, perSecond, 2 * perSecond);
      this.#rates.set(channel, rate);
    }
    return rate;
  }
}
