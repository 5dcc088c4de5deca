import type { Clock } from '../../clock.ts';

/** Is told that somebody or something came or went, with the time of it. */
export type Teller = (name: string, isHere: boolean, at: number) => void;

/**
 * Who was told to be here, users or channels. Who comes is news at once; who goes is news when they are not back within
 * a while. So each news is the opposite of the last one about the same name.
 */
export class Changes {
  readonly #tell: Teller;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #debounce: () => number;
  readonly #here: Set<string>;
  /** Who has gone, but was not told to be: ends the wait. */
  readonly #leaving = new Map<string, () => void>();

  /** `debounce` in milliseconds, asked each time. `here`: who was told to be here before, by an earlier process say. */
  constructor(debounce: () => number, here: Iterable<string>, tell: Teller, time: { clock: Clock; now: () => number }) {
    this.#debounce = debounce;
    this.#here = new Set(here);
    this.#tell = tell;
    this.#clock = time.clock;
    this.#now = time.now;
  }

  come(name: string): void {
    this.#leaving.get(name)?.();
    this.#leaving.delete(name);
    if (this.#here.has(name)) return;
    this.#here.add(name);
    this.#tell(name, true, this.#now());
  }

  /** `patience` in milliseconds. */
  go(name: string, patience = this.#debounce()): void {
    if (!this.#here.has(name) || this.#leaving.has(name)) return;
    const at = this.#now();
    const leave = () => {
      this.#leaving.delete(name);
      this.#here.delete(name);
      this.#tell(name, false, at);
    };
    this.#leaving.set(name, this.#clock.after(patience, leave));
  }

  /** Of all who were told to be here, those who are not: they have so long to come back. */
  keepOnly(present: Iterable<string>, patience: number): void {
    const all = new Set(present);
    for (const name of this.#here) if (!all.has(name)) this.go(name, patience);
    for (const name of all) this.come(name);
  }

  close(): void {
    for (const cancel of this.#leaving.values()) cancel();
    this.#leaving.clear();
  }
}
