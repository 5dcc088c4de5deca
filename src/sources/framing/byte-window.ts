const EMPTY = Buffer.alloc(0);

/**
 * The bytes of a stream that are not used up. What has been handed out as a view is never written to again: a chunk
 * that fits behind the rest is copied there, otherwise both move to a new place.
 */
export class ByteWindow {
  /** Ends where the bytes end. */
  bytes: Buffer = EMPTY;
  /** Where the unused bytes begin. */
  start = 0;
  /** Our own memory, of which `bytes` is the beginning. Undefined while `bytes` is a chunk. */
  #store: Buffer | undefined;

  get length(): number {
    return this.bytes.length - this.start;
  }

  append(chunk: Buffer): void {
    const rest = this.length;
    if (rest === 0) {
      this.#set(chunk, undefined);
      return;
    }
    const end = this.bytes.length;
    if (this.#store && end + chunk.length <= this.#store.length) {
      chunk.copy(this.#store, end);
      this.bytes = this.#store.subarray(0, end + chunk.length);
      return;
    }
    // Doubling: however small the chunks are, each byte is copied about twice at most.
    const store = Buffer.allocUnsafeSlow(Math.max(rest + chunk.length, 2 * rest));
    this.bytes.copy(store, 0, this.start);
    chunk.copy(store, rest);
    this.#set(store.subarray(0, rest + chunk.length), store);
  }

  /** Releases what is used up, so that a few waiting bytes do not keep a whole chunk in memory. */
  compact(): void {
    const rest = this.length;
    if (rest === 0) this.#set(EMPTY, undefined);
    else if (this.#store === undefined || this.#store.length > 4 * rest) {
      const store = Buffer.allocUnsafeSlow(rest);
      this.bytes.copy(store, 0, this.start);
      this.#set(store, store);
    }
  }

  #set(bytes: Buffer, store: Buffer | undefined): void {
    this.bytes = bytes;
    this.start = 0;
    this.#store = store;
  }
}
