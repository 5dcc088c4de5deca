import { isUtf8 } from 'node:buffer';

/** Below this many bytes the loop is faster than a call into the engine's vectorised check. */
const VECTORISED_FROM = 64;

/**
 * Checks UTF-8 as it arrives, in any pieces, and rejects it at the first invalid byte (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF).
 */
export class Utf8Checker {
  /** Continuation bytes that the current character still needs. */
  #missing = 0;
  /** The range of the next continuation byte: only the one after the lead byte may be narrower than 80–BF. */
  #low = 0x80;
  #high = 0xbf;

  /** Whether everything so far ends at a character boundary. */
  get complete(): boolean {
    return this.#missing === 0;
  }

  reset(): void {
    this.#missing = 0;
    this.#low = 0x80;
    this.#high = 0xbf;
  }

  /** Takes `bytes[start, end)`; false as soon as they cannot belong to valid UTF-8. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    let at = start;
    if (end - start >= VECTORISED_FROM) {
      while (this.#missing > 0 && at < end) if (!this.#byte(bytes[at++]!)) return false;
      const whole = lastEdge(bytes, at, end);
      if (!isUtf8(bytes.subarray(at, whole))) return false;
      at = whole;
    }
    while (at < end) if (!this.#byte(bytes[at++]!)) return false;
    return true;
  }

  #byte(byte: number): boolean {
    if (this.#missing > 0) {
      if (byte < this.#low || byte > this.#high) return false;
      this.#missing--;
      this.#low = 0x80;
      this.#high = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    if (byte < 0xe0) this.#missing = 1;
    else if (byte < 0xf0) {
      this.#missing = 2;
      if (byte === 0xe0) this.#low = 0xa0;
      else if (byte === 0xed) this.#high = 0x9f;
    } else {
      this.#missing = 3;
      if (byte === 0xf0) this.#low = 0x90;
      else if (byte === 0xf4) this.#high = 0x8f;
    }
    return true;
  }
}

/** Where the last character in `bytes[start, end)` begins, if it may be cut off; else `end`. */
function lastEdge(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return end - back;
  }
  return end;
}
