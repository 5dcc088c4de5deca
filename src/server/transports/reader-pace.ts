/** What waits until a reader has taken what it was sent, and the word that it is too slow. */
export class ReaderPace {
  #isSlow = false;
  #waiting: (() => void)[] = [];

  /** Resolves with the next call of `drain`. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The reader has taken all, or is gone. */
  drain(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Not from within the hub's own loop over the readers: what it then does for this one would come between. */
  slow(tell: () => void): void {
    if (this.#isSlow) return;
    this.#isSlow = true;
    queueMicrotask(() => {
      this.#isSlow = false;
      tell();
    });
  }
}
