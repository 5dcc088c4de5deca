interface Waiter<T> {
  resolve(item: T | undefined): void;
}

/** Passes items in order to waiting callers, and queues a bounded number of items while nobody waits. */
export class AcceptQueue<T> {
  readonly #limit: number;
  #items: T[] = [];
  #waiters: Waiter<T>[] = [];
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the queue is full: the item still belongs to the caller. */
  offer(item: T): boolean {
    if (this.#closed) return false;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(item);
    else if (this.#items.length >= this.#limit) return false;
    else this.#items.push(item);
    return true;
  }

  /** The next item; undefined once closed. Rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<T | undefined> {
    if (this.#items.length > 0 || this.#closed) return Promise.resolve(this.#items.shift());
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const waiter: Waiter<T> = {
        resolve: (item) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(item);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#waiters.push(waiter);
    });
  }

  /** Resolves all waiting callers with undefined, and returns the items that nobody took. */
  close(): T[] {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.resolve(undefined);
    this.#waiters = [];
    const left = this.#items;
    this.#items = [];
    return left;
  }
}
