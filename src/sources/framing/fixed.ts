import { type Framing, NO_MARGINS } from './framer.ts';
import type { Marks } from './marks.ts';

/** Frames of one length, with a mark at their start or without. */
export class FixedFraming implements Framing {
  readonly resync: 'rescan' | 'delimiter';
  readonly margins = NO_MARGINS;
  readonly whole = true;
  readonly overlap: number;
  readonly #length: number;
  readonly #marks: Marks | undefined;

  constructor(length: number, marks?: Marks) {
    this.#length = length;
    this.#marks = marks;
    this.resync = marks ? 'rescan' : 'delimiter';
    this.overlap = marks ? marks.length - 1 : 0;
  }

  measure(bytes: Buffer, start: number): number {
    if (this.#marks === undefined) return this.#length;
    const garbage = this.#marks.garbageAt(bytes, start);
    if (garbage < 0) return garbage;
    return bytes.length - start < this.#marks.length ? 0 : this.#length;
  }

  content(bytes: Buffer, start: number, end: number): Buffer {
    return bytes.subarray(start, end);
  }

  fill(content: Buffer): void {
    this.#marks?.longest.copy(content);
  }

  wrap(content: Buffer): Buffer {
    return content;
  }
}
