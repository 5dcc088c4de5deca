import type { Clock } from '../clock.ts';

/** What has been passed to the log and is not answered yet. */
export class InFlight {
  #count = 0;
  #wake = (): void => {};

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) this.#wake();
  }

  /** Resolves when nothing is in flight and its callers have been notified, or after `limit` milliseconds. */
  async settled(clock: Clock, limit: number): Promise<void> {
    let cancel = () => {};
    if (this.#count > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        cancel = clock.after(limit, resolve);
      });
    cancel();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
