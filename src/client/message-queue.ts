/** What stands between messages that come when they come and a loop that takes them when it can. */
export class MessageQueue<T> implements AsyncIterator<T, undefined> {
  readonly #items: T[] = [];
  readonly #takers: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  readonly #onTaken: () => void;
  readonly #onLeft: () => void;
  #over = false;
  #error: Error | undefined;

  /** `onTaken` is told when the loop took one; `onLeft` when it was left early. */
  constructor(onTaken: () => void, onLeft: () => void) {
    this.#onTaken = onTaken;
    this.#onLeft = onLeft;
  }

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#over) return;
    const taker = this.#takers.shift();
    if (taker) taker.resolve({ done: false, value: item });
    else this.#items.push(item);
  }

  /** The loop still gets what is queued, then ends, or throws `error`. */
  end(error?: Error): void {
    this.#over = true;
    this.#error = error;
    for (const taker of this.#takers.splice(0)) this.#finish(taker);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const taker = Promise.withResolvers<IteratorResult<T, undefined>>();
    if (this.#items.length > 0) {
      taker.resolve({ done: false, value: this.#items.shift() as T });
      this.#onTaken();
    } else if (this.#over) this.#finish(taker);
    else this.#takers.push(taker);
    return taker.promise;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#items.length = 0;
    this.end();
    this.#onLeft();
    return { done: true, value: undefined };
  }

  /** Throws once; whoever goes on asking is told that it is over. */
  #finish(taker: PromiseWithResolvers<IteratorResult<T, undefined>>): void {
    if (this.#error) taker.reject(this.#error);
    else taker.resolve({ done: true, value: undefined });
    this.#error = undefined;
  }
}
