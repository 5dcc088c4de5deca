import type { Clock } from '../clock.ts';

/** What has been passed to the log and is not answered yet. */
export class InFlight {
  #count = 0;
  /** Those who wait in `settled`: each transport does when the daemon stops. */
  readonly #waiting = new Set<() => void>();

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0) return;
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when nothing is in flight and its callers have been notified, or after `limit` milliseconds. */
  async settled(clock: Clock, limit: number): Promise<void> {
    if (this.#count > 0)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          cancel();
          resolve();
        };
        const cancel = clock.after(limit, wake);
        this.#waiting.add(wake);
      });
    await new Promise((resolve) => setImmediate(resolve));
  }
}
