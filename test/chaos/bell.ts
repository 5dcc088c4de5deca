/** Rung whenever something happened, for those who wait until enough has. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  readonly ring = (): void => {
    for (const look of [...this.#waiting]) look();
  };

  /** Resolves as soon as a ring finds the condition met. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (!isMet()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }
}

/** A function that tells whether a promise has settled. */
export function settled(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  return () => isSettled;
}
