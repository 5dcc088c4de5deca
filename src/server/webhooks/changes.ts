import type { Clock } from '../../clock.ts';

/** Called when a user or channel appears or disappears, with the time. */
export type Teller = (name: string, isHere: boolean, at: number) => void;

/**
 * The users or channels that were reported present. An arrival is reported at once; a departure only when it has lasted
 * for the debounce time. So each report is the opposite of the last one about the same name.
 */
export class Changes {
  readonly #tell: Teller;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #debounce: () => number;
  readonly #here: Set<string>;
  /** Those whose departure is not reported yet; the function cancels the wait. */
  readonly #leaving = new Map<string, () => void>();

  /** `debounce` in milliseconds, read each time. `here`: who was reported present before, for example by an earlier process. */
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

  /** `patience`: the debounce time in milliseconds. */
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

  /** Compares with who is present now. Those who were reported present but are not have `patience` milliseconds to return. */
  keepOnly(present: Iterable<string>, patience: number): void {
    const all = new Set(present);
    for (const name of this.#here) if (!all.has(name)) this.go(name, patience);
    for (const name of all) this.come(name);
  }

  /** `stored`: who was reported present by a store that may have lost the end. The reports that it lacks are made again. */
  repeat(stored: Iterable<string>): void {
    const known = new Set(stored);
    for (const name of this.#here) if (!known.has(name)) this.#tell(name, true, this.#now());
    for (const name of known) if (!this.#here.has(name)) this.#tell(name, false, this.#now());
  }

  close(): void {
    for (const cancel of this.#leaving.values()) cancel();
    this.#leaving.clear();
  }
}
