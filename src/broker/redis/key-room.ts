import type { KeyWindow } from '../key-window.ts';
import { agedBy, type Moment } from '../log-time.ts';

/** Keys are counted in so many steps of their window: exactly enough, and the memory does not grow with the keys. */
const STEPS = 1_000;

/** The keys that were added in one step of time. */
interface Step {
  /** Of its newest key. */
  time: number;
  readonly began: number;
  readonly counts: Map<string | undefined, number>;
}

/**
 * How many keys the owners have, of those that this process has added: the limit of `KeyWindow` is for each process.
 * Pure: time is passed in.
 */
export class KeyRoom {
  readonly #window: KeyWindow;
  readonly #step: number;
  /** Oldest first. */
  readonly #steps: Step[] = [];
  readonly #owners = new Map<string | undefined, number>();
  #size = 0;

  constructor(window: KeyWindow) {
    this.#window = window;
    this.#step = Math.max(1, Math.floor(window.ttl / STEPS));
  }

  /** How many more keys there is room for. */
  left(moment: Moment): number {
    this.#purge(moment);
    return this.#window.count - this.#size;
  }

  /** How many keys the owner has. Undefined: the server itself. */
  of(owner: string | undefined): number {
    return this.#owners.get(owner) ?? 0;
  }

  add(owner: string | undefined, { now }: Moment): void {
    let step = this.#steps.at(-1);
    if (!step || now < step.began || now - step.began >= this.#step) {
      step = { time: now, began: now, counts: new Map() };
      this.#steps.push(step);
    }
    step.time = now;
    step.counts.set(owner, (step.counts.get(owner) ?? 0) + 1);
    this.#owners.set(owner, this.of(owner) + 1);
    this.#size++;
  }

  #purge(moment: Moment): void {
    for (let step = this.#steps[0]; step; step = this.#steps[0]) {
      if (agedBy(step.time, moment) + this.#window.ttl > moment.sure) return;
      this.#steps.shift();
      for (const [owner, count] of step.counts) {
        this.#size -= count;
        const left = this.of(owner) - count;
        if (left > 0) this.#owners.set(owner, left);
        else this.#owners.delete(owner);
      }
    }
  }
}
