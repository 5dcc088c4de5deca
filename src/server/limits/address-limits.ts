import { type Clock, systemClock } from '../../clock.ts';
import { Allowance } from '../../hub/index.ts';
import { neighbourhood } from './ip.ts';

export interface AddressLimitOptions {
  /** Connections of one client address. */
  readonly connectionsPerAddress: number;
  /** New connections a second of one client address; four times that at once. */
  readonly connectsPerSecond: number;
  readonly clock?: Clock;
}

/** Why an address gets no further connection now. */
export interface Breach {
  readonly reason: 'address_connections' | 'address_rate';
  /** Seconds after which it may try again. */
  readonly retryAfter: number;
}

/** Addresses whose pace is remembered, some 200 bytes each; of more, those that came longest ago are forgotten. */
const REMEMBERED = 10_000;
/** Seconds until somebody comes back whose address has too many connections. */
const CROWDED = 30;
const BURST_SECONDS = 4;

/**
 * How much one client address may ask for, where an IPv6 network of /64 counts as one address. What comes from a Unix
 * socket has none, and no limits.
 */
export class AddressLimits {
  readonly #options: AddressLimitOptions;
  readonly #clock: Clock;
  readonly #connections = new Map<string, number>();
  readonly #pace = new Map<string, Allowance>();

  constructor(options: AddressLimitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Whether another connection may come; undefined when it may. To be followed by `enter` when it does. */
  check(address: string): Breach | undefined {
    if (address === '') return undefined;
    const key = neighbourhood(address);
    const { connectionsPerAddress } = this.#options;
    const pause = this.#paceOf(key).take();
    if (pause > 0) return { reason: 'address_rate', retryAfter: Math.ceil(pause / 1000) };
    if ((this.#connections.get(key) ?? 0) < connectionsPerAddress) return undefined;
    return { reason: 'address_connections', retryAfter: CROWDED };
  }

  enter(address: string): void {
    if (address === '') return;
    const key = neighbourhood(address);
    this.#connections.set(key, (this.#connections.get(key) ?? 0) + 1);
  }

  leave(address: string): void {
    const key = neighbourhood(address);
    const count = (this.#connections.get(key) ?? 0) - 1;
    if (count > 0) this.#connections.set(key, count);
    else this.#connections.delete(key);
  }

  #paceOf(key: string): Allowance {
    const { connectsPerSecond } = this.#options;
    const pace =
      this.#pace.get(key) ?? new Allowance(this.#clock, connectsPerSecond, BURST_SECONDS * connectsPerSecond);
    this.#pace.delete(key);
    this.#pace.set(key, pace);
    if (this.#pace.size > REMEMBERED) this.#pace.delete(this.#pace.keys().next().value!);
    return pace;
  }
}
