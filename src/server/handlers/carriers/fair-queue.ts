/**
 * What waits, in a line for each key. The first of each line is taken in turn, so that a key with much does not hold up
 * the others; of one key, what came first.
 */
export class FairQueue<T> {
  /** The line whose turn is next comes first. */
  readonly #lines = new Map<unknown, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(key: unknown, item: T): void {
    const line = this.#lines.get(key);
    if (line) line.push(item);
    else this.#lines.set(key, [item]);
    this.#size++;
  }

  shift(): T | undefined {
    const { value } = this.#lines.entries().next();
    if (!value) return undefined;
    const [key, line] = value;
    const item = line.shift();
    this.#lines.delete(key);
    if (line.length > 0) this.#lines.set(key, line);
    this.#size--;
    return item;
  }

  /**
   * Takes the last of the longest line, to make room for one more of `key`. Undefined if no line would be longer than its
   * own: then there is no room for it.
   */
  makeRoom(key: unknown): T | undefined {
    let longest: T[] = this.#lines.get(key) ?? [];
    const own = longest.length;
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    if (longest.length <= own + 1) return undefined;
    this.#size--;
    return longest.pop();
  }

  /** Takes what stands first in its line, as long as the test is true. */
  takeWhile(test: (item: T) => boolean): T[] {
    const taken: T[] = [];
    for (const [key, line] of [...this.#lines]) {
      while (line.length > 0 && test(line[0]!)) taken.push(line.shift()!);
      if (line.length === 0) this.#lines.delete(key);
    }
    this.#size -= taken.length;
    return taken;
  }
}
