import type { Clock } from '../../clock.ts';

interface Count {
  failures: number;
  at: number;
}

/** The first pause after too many failures, and the longest. A user with the right password waits at most that long. */
const SHORTEST = 1_000;
const LONGEST = 60_000;
/** Milliseconds after which failures are forgotten. */
const FORGOTTEN = 15 * 60_000;
/** Names or addresses that are remembered; the one that failed longest ago is forgotten first. */
const MOST = 10_000;

/** Delays further logins of a user or an address after failures. The first `free` failures cost nothing. */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #free: number;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock, free: number) {
    this.#clock = clock;
    this.#free = free;
  }

  /** Milliseconds until the next attempt is allowed; 0: now. */
  pauseOf(who: string): number {
    const count = this.#counts.get(who);
    if (!count || count.failures < this.#free) return 0;
    const pause = Math.min(LONGEST, SHORTEST * 2 ** (count.failures - this.#free));
    return Math.max(0, Math.ceil(count.at + pause - this.#clock.now()));
  }

  /** Call before an attempt, so that simultaneous attempts are all counted; call `forget` when it succeeds. */
  add(who: string): void {
    const now = this.#clock.now();
    const earlier = this.#counts.get(who);
    const failures = earlier && now - earlier.at < FORGOTTEN ? earlier.failures + 1 : 1;
    this.#counts.delete(who);
    if (this.#counts.size >= MOST) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(who, { failures, at: now });
  }

  /** Undoes one `add`: the attempt was not a failure. */
  takeBack(who: string): void {
    const count = this.#counts.get(who);
    if (count) count.failures--;
    if (count?.failures === 0) this.#counts.delete(who);
  }

  forget(who: string): void {
    this.#counts.delete(who);
  }
}
