/** What the system adds to each write in its buffers, in bytes, at least: Linux counts it in their limit. */
const OVERHEAD = 768;
/** No program leaves more unread, in bytes. */
const MOST = 4 * 1024 * 1024;

/** Tells how many of the events that a process was given it cannot have read. */
export class GivenEvents {
  #writes: { readonly events: number; readonly size: number }[] = [];
  #size = 0;

  clear(): void {
    this.#writes = [];
    this.#size = 0;
  }

  /** So many events, of so many bytes, were given in one write. */
  add(events: number, bytes: number): void {
    const size = bytes + OVERHEAD;
    this.#writes.push({ events, size });
    this.#size += size;
    while (this.#size > MOST && this.#writes.length > 1) this.#size -= this.#writes.shift()!.size;
  }

  /** How many of them are among the last so many bytes, at most. */
  within(bytes: number): number {
    let count = 0;
    for (let at = this.#writes.length - 1, rest = bytes; at >= 0 && rest > 0; at--) {
      count += this.#writes[at]!.events;
      rest -= this.#writes[at]!.size;
    }
    return count;
  }
}
