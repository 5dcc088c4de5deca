import { type Framing, NO_MARGINS } from './framer.ts';
import type { Marks } from './marks.ts';

/** How a kind of frame tells its own length. */
export interface Head {
  /** What all frames begin with, if anything. */
  readonly marks?: Marks;
  /** What all frames end with, if anything: without it they are damaged. */
  readonly end?: Buffer;
  /** The length of the frame at `start`, 0 if more bytes are needed to know, or negative if no frame begins there. */
  length(bytes: Buffer, start: number): number;
  /** Writes marks and length into a frame that is to be sent. */
  fill(content: Buffer): void;
}

/** Frames that tell their length in their first bytes. What is not the start of one is passed over. */
export class MeasuredFraming implements Framing {
  readonly resync = 'rescan';
  readonly margins = NO_MARGINS;
  readonly whole = true;
  readonly overlap = 0;
  readonly #head: Head;

  constructor(head: Head) {
    this.#head = head;
  }

  measure(bytes: Buffer, start: number): number {
    const { marks } = this.#head;
    if (marks !== undefined) {
      const garbage = marks.garbageAt(bytes, start);
      if (garbage < 0) return garbage;
      if (bytes.length - start < marks.length) return 0;
    }
    return this.#head.length(bytes, start);
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const mark = this.#head.end;
    if (mark && bytes.compare(mark, 0, mark.length, end - mark.length, end) !== 0) return;
    return bytes.subarray(start, end);
  }

  fill(content: Buffer): void {
    const { end } = this.#head;
    if (end && content.length >= end.length) end.copy(content, content.length - end.length);
    this.#head.fill(content);
  }

  wrap(content: Buffer): Buffer {
    return content;
  }
}
