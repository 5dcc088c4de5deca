/**
 * Something to show that changes: what React's `useSyncExternalStore` takes, and every other framework can use. It works
 * while somebody listens.
 */
export interface View<Snapshot> {
  /** Calls `listener` after each change, once for all changes of a moment. Returns a function that ends it. */
  subscribe(listener: () => void): () => void;
  /** What to show now: another object after each change, and only then. Nothing of it is changed later. */
  getSnapshot(): Snapshot;
}

/** Keeps a snapshot until something changes, and tells listeners of all changes of a moment at once. */
export class Changing<Snapshot> {
  readonly #take: () => Snapshot;
  readonly #listeners = new Set<() => void>();
  #snapshot: Snapshot | undefined;
  #isTelling = false;

  /** `take` makes a snapshot. */
  constructor(take: () => Snapshot) {
    this.#take = take;
  }

  get snapshot(): Snapshot {
    this.#snapshot ??= this.#take();
    return this.#snapshot;
  }

  /** Call it after a change, and only then. */
  change(): void {
    this.#snapshot = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /** Each call counts, also with the same function. Returns a function that ends it. */
  listen(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}
