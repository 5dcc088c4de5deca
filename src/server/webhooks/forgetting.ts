import type { FollowUps, Published } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';

/** Milliseconds until a failed call is tried again. */
const TRY_AGAIN = 1_000;
/** Publications that wait for a call. Those before them are found by the node that leads, and are not told again. */
const MOST = 10_000;

/** Has the store forget publications whose events are stored: as many by one call as come while the last one is under way. */
export class Forgetting {
  readonly #followUps: FollowUps | undefined;
  readonly #clock: Clock;
  #done: Published[] = [];
  #calling: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  /** Undefined: the store remembers none. */
  constructor(followUps: FollowUps | undefined, clock: Clock) {
    this.#followUps = followUps;
    this.#clock = clock;
  }

  add(publication: Published): void {
    if (!this.#followUps) return;
    this.#done.push(publication);
    if (!this.#cancel) this.#calling ??= this.#call(this.#followUps);
  }

  /** Does what is possible now. */
  async close(): Promise<void> {
    this.#cancel?.();
    this.#cancel = () => {}; // nothing is scheduled any more
    await this.#calling;
    if (this.#followUps && this.#done.length > 0) await this.#followUps.done(this.#done).catch(() => {}); // see MOST
  }

  /** Never rejects. */
  async #call(followUps: FollowUps): Promise<void> {
    await undefined; // for the others of this turn
    while (this.#done.length > 0) {
      const done = this.#done;
      this.#done = [];
      try {
        await followUps.done(done);
      } catch {
        this.#done = [...done, ...this.#done].slice(-MOST);
        this.#cancel ??= this.#clock.after(TRY_AGAIN, () => {
          this.#cancel = undefined;
          this.#calling = this.#call(followUps);
        });
        break;
      }
    }
    this.#calling = undefined;
  }
}
