import { type Framing, NO_MARGINS } from './framer.ts';
import type { Marks } from './marks.ts';

/** A frame ends with a delimiter, or the first of several that comes. */
export class DelimiterFraming implements Framing {
  readonly resync = 'delimiter';
  readonly margins = NO_MARGINS;
  readonly overlap: number;
  readonly #delimiters: Marks;

  constructor(delimiters: Marks) {
    this.#delimiters = delimiters;
    this.overlap = delimiters.length - 1;
  }

  measure(bytes: Buffer, start: number, fresh: number): number {
    const end = this.#delimiters.endOfNext(bytes, Math.max(start, fresh - this.overlap));
    return end < 0 ? 0 : end - start;
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    return bytes.subarray(start, end - this.#delimiters.lengthBefore(bytes, start, end));
  }

  /** Written with the longest delimiter. */
  wrap(content: Buffer): Buffer {
    return Buffer.concat([content, this.#delimiters.longest]);
  }
}
