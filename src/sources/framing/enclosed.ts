import type { Escape } from './escape.ts';
import type { Framing, Margins } from './framer.ts';
import type { Marks } from './marks.ts';

export interface EnclosedOptions {
  /** All of one length. */
  readonly start: Marks;
  /** One. */
  readonly end: Marks;
  readonly escape?: Escape | undefined;
  /** How many bytes of a checksum follow the mark of the end. */
  readonly after: number;
}

/**
 * Frames between a mark of the start and another of the end. A new start before the end begins a new frame: the old one
 * was cut.
 */
export class EnclosedFraming implements Framing {
  readonly resync = 'start';
  readonly margins: Margins;
  readonly overlap: number;
  readonly #start: Marks;
  readonly #end: Marks;
  readonly #escape: Escape | undefined;
  readonly #after: number;

  constructor({ start, end, after, ...options }: EnclosedOptions) {
    this.#start = start;
    this.#end = end;
    this.#escape = options.escape;
    this.#after = after;
    this.overlap = start.length - 1;
    this.margins = { start: start.length, end: end.length, after };
  }

  measure(bytes: Buffer, start: number, fresh: number): number {
    const garbage = this.#start.garbageAt(bytes, start);
    if (garbage < 0) return garbage;
    const first = start + this.#start.length;
    const end = this.#endOf(bytes, start, Math.max(first, fresh - this.#end.length + 1));
    if (!this.#escape?.leavesMarks) {
      const from = Math.max(start + 1, fresh - this.overlap);
      const newer = this.#start.last(bytes, from, end < 0 ? bytes.length : end - this.#end.length);
      if (newer > start) return start - newer;
    }
    return end < 0 ? 0 : end + this.#after - start;
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const frame = bytes.subarray(start, end);
    if (!this.#escape) return frame;
    const { length } = frame;
    const { start: head, end: tail } = this.margins;
    const inner = frame.subarray(head, length - tail - this.#after);
    const plain = this.#escape.remove(inner);
    if (plain === inner || plain === undefined) return plain && frame;
    return Buffer.concat([frame.subarray(0, head), plain, frame.subarray(length - tail - this.#after)]);
  }

  fill(content: Buffer): void {
    if (this.#start.lengthAt(content, 0) === 0) this.#start.longest.copy(content);
    this.#end.longest.copy(content, content.length - this.margins.end - this.#after);
  }

  wrap(content: Buffer): Buffer {
    if (!this.#escape) return content;
    const stop = content.length - this.margins.end - this.#after;
    const inner = this.#escape.add(content.subarray(this.margins.start, stop));
    return Buffer.concat([content.subarray(0, this.margins.start), inner, content.subarray(stop)]);
  }

  /** Where the mark of the end is over, or -1. */
  #endOf(bytes: Buffer, start: number, from: number): number {
    for (let search = from; ; ) {
      const end = this.#end.endOfNext(bytes, search);
      if (end < 0 || !this.#escape?.leavesMarks) return end;
      if (!this.#escape.isEscaped(bytes, start, end - this.#end.length)) return end;
      search = end;
    }
  }
}
