export interface SemaphoreOptions {
  /** How many calls of `run` may wait. Default: any number. */
  readonly queueLimit?: number;
  /** Makes the error with which `run` rejects when the queue is full. Default: an Error. */
  readonly refusal?: () => Error;
}

/** Limits how much work runs at the same time. Further work waits, first in, first out. */
export class Semaphore {
  #permits: number;
  readonly #queueLimit: number;
  readonly #refusal: () => Error;
  readonly #queue: (() => void)[] = [];

  constructor(permits: number, { queueLimit = Number.POSITIVE_INFINITY, refusal }: SemaphoreOptions = {}) {
    this.#permits = permits;
    this.#queueLimit = queueLimit;
    this.#refusal = refusal ?? (() => new Error(`${queueLimit} wait already`));
  }

  /** Rejects as `work` does, or with the refusal. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#permits > 0) this.#permits--;
    else if (this.#queue.length < this.#queueLimit) await new Promise<void>((go) => this.#queue.push(go));
    else throw this.#refusal();
    try {
      return await work();
    } finally {
      // The permit passes to the next in the queue.
      const next = this.#queue.shift();
      if (next) next();
      else this.#permits++;
    }
  }
}
