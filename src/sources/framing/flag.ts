import type { Escape } from './escape.ts';
import { type Framing, NO_MARGINS } from './framer.ts';
import type { Marks } from './marks.ts';

/**
 * Frames between flags, as in HDLC: one mark is both start and end, and one flag may end a frame and start the next. So
 * the flag at the end is left in the stream.
 */
export class FlagFraming implements Framing {
  readonly resync = 'start';
  readonly margins = NO_MARGINS;
  readonly overlap: number;
  readonly #flag: Marks;
  readonly #escape: Escape | undefined;

  constructor(flag: Marks, escaping?: Escape) {
    this.#flag = flag;
    this.#escape = escaping;
    this.overlap = flag.length - 1;
  }

  measure(bytes: Buffer, start: number, fresh: number): number {
    const garbage = this.#flag.garbageAt(bytes, start);
    if (garbage < 0) return garbage;
    for (let from = Math.max(start + this.#flag.length, fresh - this.overlap); ; ) {
      const end = this.#flag.next(bytes, from);
      if (end < 0) return 0;
      if (!this.#escape?.leavesMarks || !this.#escape.isEscaped(bytes, start, end)) return end - start;
      from = end + this.#flag.length;
    }
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const inner = bytes.subarray(start + this.#flag.length, end);
    return this.#escape ? this.#escape.remove(inner) : inner;
  }

  wrap(content: Buffer): Buffer {
    const flag = this.#flag.longest;
    return Buffer.concat([flag, this.#escape ? this.#escape.add(content) : content, flag]);
  }
}
