import type { Marks } from './marks.ts';
import type { Head } from './measured.ts';

/** Where a frame has its length, and from where that counts. */
export interface LengthDescription {
  /** Where the field stands. Default: 0, or behind the mark of the start. */
  readonly offset?: number;
  /** In bytes. Default: 2. */
  readonly width?: 1 | 2 | 3 | 4;
  /** Default: `big`. */
  readonly endian?: 'big' | 'little';
  /**
   * How many bytes follow the field besides those that it counts: 2 for a checksum that it leaves out; if it counts the
   * head as well, minus the length of the head. Default: 0.
   */
  readonly adjust?: number;
}

/** The head of frames with a length field. */
export class LengthHead implements Head {
  readonly marks?: Marks;
  readonly end?: Buffer;
  readonly #offset: number;
  readonly #width: number;
  readonly #big: boolean;
  /** What the field's value is to be added to. */
  readonly #base: number;
  /** Of the head, with the field. */
  readonly #least: number;

  constructor(
    description: LengthDescription,
    { marks, end }: { marks?: Marks | undefined; end?: Buffer | undefined } = {},
  ) {
    const { width = 2, endian = 'big', adjust = 0, offset = marks?.length ?? 0 } = description;
    this.#offset = offset;
    this.#width = width;
    this.#big = endian === 'big';
    this.#least = offset + width;
    this.#base = this.#least + adjust;
    if (marks) this.marks = marks;
    if (end) this.end = end;
  }

  length(bytes: Buffer, start: number): number {
    if (bytes.length - start < this.#least) return 0;
    const length = this.#base + this.#read(bytes, start + this.#offset);
    return length < this.#least ? -1 : length;
  }

  fill(content: Buffer): void {
    if (content.length < this.#least) return;
    this.marks?.longest.copy(content);
    const size = 256 ** this.#width;
    // What does not fit is noticed when the frame is read again.
    const value = (content.length - this.#base + size) % size;
    if (this.#big) content.writeUIntBE(value, this.#offset, this.#width);
    else content.writeUIntLE(value, this.#offset, this.#width);
  }

  #read(bytes: Buffer, at: number): number {
    let value = 0;
    if (this.#big) for (let index = 0; index < this.#width; index++) value = value * 256 + bytes[at + index]!;
    else for (let index = this.#width - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
    return value;
  }
}
