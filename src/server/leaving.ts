/**
 * Those that a reload has replaced and that are still at work, by what only one can have at a time: a name, a port.
 * The next one waits until all before are gone.
 */
export class Leaving {
  readonly #gone = new Map<string, Promise<void>>();

  /** `closed`: resolves when all of these have been released. */
  add(marks: readonly string[], closed: Promise<void>): void {
    for (const mark of marks) {
      const gone: Promise<void> = Promise.all([this.#gone.get(mark), closed]).then(() => {
        if (this.#gone.get(mark) === gone) this.#gone.delete(mark);
      });
      this.#gone.set(mark, gone);
    }
  }

  /** Resolves when those who have one of these at the time of the call are gone. */
  async free(marks: readonly string[]): Promise<void> {
    await Promise.all(marks.map((mark) => this.#gone.get(mark)));
  }

  /** Resolves when all are gone who are leaving at the time of the call. */
  async settled(): Promise<void> {
    await Promise.all(this.#gone.values());
  }
}
