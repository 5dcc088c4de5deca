import { Buffer } from 'node:buffer';
import { headerSize, type Payload, writeFrame } from './core/frame-writer.ts';

/** Frames in a row in one buffer: frame n ends at `ends[n]`. */
export class Encoding {
  #bytes: Buffer;
  #used = 0;
  #whole: Buffer | null = null;
  readonly ends: number[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get buffer(): Buffer {
    return this.#bytes;
  }

  get whole(): Buffer {
    this.#whole ??= this.#bytes.subarray(0, this.#used);
    return this.#whole;
  }

  append(first: number, payload: Payload, length: number): void {
    const end = this.#used + headerSize(length, false) + length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, end));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    writeFrame(this.#bytes, this.#used, first, payload, length, false);
    this.#used = end;
    this.#whole = null;
    this.ends.push(end);
  }

  /** Frames `from` up to, not including, `to`. */
  frames(from: number, to: number): Buffer {
    return this.#bytes.subarray(from === 0 ? 0 : this.ends[from - 1]!, this.ends[to - 1]!);
  }

  /** The last `length` bytes of frame `index`: its payload. */
  payload(index: number, length: number): Buffer {
    return this.#bytes.subarray(this.ends[index]! - length, this.ends[index]!);
  }
}
