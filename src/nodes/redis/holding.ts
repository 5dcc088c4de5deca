import type { Clock } from '../../clock.ts';
import type { Change } from './copy.ts';

/** What is said of a member: it is held, its last connection was lost, or it is released. */
export type Saying = readonly [verb: 'h' | 'w' | 'r', member: string, shown: string];

export interface HoldingOptions {
  readonly clock: Clock;
  /** Says it to the store, in this order. Rejects with LOG_…: then nothing, or all of it, is stored. */
  readonly say: (sayings: readonly Saying[]) => Promise<Change>;
  /** Nothing is held any more, and all was said. */
  readonly onIdle: () => void;
}

interface Held {
  shown: string;
  verb: 'h' | 'w';
  /** Set while it is released after a while. */
  cancel: (() => void) | undefined;
  /** By the clock of this process. */
  until: number;
}

interface Waiting {
  readonly resolve: (change: Change) => void;
  readonly reject: (error: unknown) => void;
}

/** Members in one call of the script. */
const BATCH = 128;

/**
 * Whom this node holds in one group. It remembers what should be in the store, and not what was said: so what could not
 * be said is made up for by one saying for each member, and repeating it is harmless. One call at a time, since what is
 * said later must not arrive earlier.
 */
export class Holding {
  readonly #options: HoldingOptions;
  readonly #held = new Map<string, Held>();
  readonly #unsaid = new Map<string, Waiting[]>();
  /** What is being said, or will be at the end of this turn of the event loop. */
  #saying: Promise<void> | undefined;

  constructor(options: HoldingOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#held.size === 0 && this.#unsaid.size === 0 && !this.#saying;
  }

  hold(member: string, shown: string): Promise<Change> {
    this.#held.get(member)?.cancel?.();
    this.#held.set(member, { shown, verb: 'h', cancel: undefined, until: 0 });
    return new Promise((resolve, reject) => this.#say(member, { resolve, reject }));
  }

  waver(member: string): void {
    const held = this.#held.get(member);
    if (!held || held.verb === 'w') return;
    held.verb = 'w';
    this.#say(member);
  }

  release(member: string): void {
    const held = this.#held.get(member);
    if (!held) return;
    held.cancel?.();
    this.#held.delete(member);
    this.#say(member);
  }

  /** Releases it in so many milliseconds, unless it is held again. */
  releaseIn(member: string, milliseconds: number): void {
    const held = this.#held.get(member);
    if (!held) return;
    held.cancel?.();
    held.until = this.#options.clock.now() + milliseconds;
    held.cancel = this.#options.clock.after(milliseconds, () => this.release(member));
  }

  /** The store says that this node holds the member. If it does not, it says so again. */
  check(member: string): void {
    if (!this.#held.has(member) && !this.#unsaid.has(member)) this.#say(member);
  }

  /** Says what could not be said; `all`: everything, since the store may have forgotten. */
  again(all: boolean): void {
    if (all) for (const member of this.#held.keys()) if (!this.#unsaid.has(member)) this.#unsaid.set(member, []);
    if (this.#unsaid.size > 0) this.#schedule();
  }

  /** Says everything, in the name of another node: others were told that all have left, so those who waver do not join again. */
  anew(): void {
    for (const [member, { verb }] of this.#held) if (verb === 'w') this.release(member);
    this.again(true);
  }

  /** Says what is still to be said. Resolves with the milliseconds until the last of those who waver would leave. */
  async close(): Promise<number> {
    while (this.#saying) await this.#saying;
    let wait = 0;
    for (const { cancel, until } of this.#held.values()) {
      cancel?.();
      wait = Math.max(wait, until - this.#options.clock.now());
    }
    return wait;
  }

  #say(member: string, waiting?: Waiting): void {
    const others = this.#unsaid.get(member) ?? [];
    if (waiting) others.push(waiting);
    this.#unsaid.set(member, others);
    this.#schedule();
  }

  #schedule(): void {
    // What is said in one turn of the event loop shares a call.
    this.#saying ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    while (this.#unsaid.size > 0) {
      const batch = [...this.#unsaid].slice(0, BATCH);
      for (const [member] of batch) this.#unsaid.delete(member);
      const sayings = batch.map(([member]): Saying => {
        const held = this.#held.get(member);
        return held ? [held.verb, member, held.shown] : ['r', member, ''];
      });
      try {
        const change = await this.#options.say(sayings);
        for (const [, waiting] of batch) for (const { resolve } of waiting) resolve(change);
      } catch (error) {
        for (const [member, waiting] of batch) {
          if (!this.#unsaid.has(member)) this.#unsaid.set(member, []);
          for (const { reject } of waiting) reject(error);
        }
        break;
      }
    }
    this.#saying = undefined;
    if (this.isIdle) this.#options.onIdle();
  }
}
