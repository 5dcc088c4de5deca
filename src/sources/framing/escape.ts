import { ZocaloError } from '../../errors.ts';
import { bytesOf, type MarkDescription } from './marks.ts';

/**
 * How a byte that would be a mark is written within a frame: behind the escape byte, either changed by `xor` (HDLC and
 * PPP: 0x20; 0 leaves it as it is), or as one of `codes`, by what they stand for (SLIP).
 */
export interface EscapeDescription {
  readonly byte: MarkDescription;
  /** Default: 0. */
  readonly xor?: number;
  /** Code by the byte that it stands for. */
  readonly codes?: readonly (readonly [byte: MarkDescription, code: MarkDescription])[];
}

/** Takes escapes out of a frame's bytes, and puts them in. */
export class Escape {
  readonly #byte: number;
  /** By code: the byte that it stands for, or -1. */
  readonly #meanings = new Int16Array(256).fill(-1);
  /** By byte: the code that it must be written as, or -1. */
  readonly #codes = new Int16Array(256).fill(-1);
  /** Whether a mark may stand within a frame, behind an escape. */
  readonly leavesMarks: boolean;

  constructor({ byte, xor = 0, codes }: EscapeDescription, special: readonly number[]) {
    this.#byte = oneByte(byte);
    this.leavesMarks = codes === undefined && xor === 0;
    if (codes) {
      for (const [meaning, code] of codes) this.#add(oneByte(meaning), oneByte(code));
      return;
    }
    for (let code = 0; code < 256; code++) this.#meanings[code] = code ^ xor;
    for (const mark of [...special, this.#byte]) this.#add(mark, mark ^ xor);
  }

  /** Whether the byte at `at` is behind an escape: an odd number of them stand before it, after `start`. */
  isEscaped(bytes: Buffer, start: number, at: number): boolean {
    let first = at;
    while (first > start && bytes[first - 1] === this.#byte) first--;
    return (at - first) % 2 === 1;
  }

  /** The bytes themselves if they have no escape; undefined if one stands at the end or before an unknown code. */
  remove(bytes: Buffer): Buffer | undefined {
    let at = bytes.indexOf(this.#byte);
    if (at < 0) return bytes;
    const plain = Buffer.allocUnsafe(bytes.length - 1);
    bytes.copy(plain, 0, 0, at);
    let length = at;
    for (; at < bytes.length; at++) {
      let byte = bytes[at]!;
      if (byte === this.#byte) {
        byte = this.#meanings[bytes[++at] ?? -1] ?? -1;
        if (byte < 0) return;
      }
      plain[length++] = byte;
    }
    return plain.subarray(0, length);
  }

  add(bytes: Buffer): Buffer {
    const escaped = Buffer.allocUnsafe(2 * bytes.length);
    let length = 0;
    for (const byte of bytes) {
      const code = this.#codes[byte]!;
      if (code >= 0) escaped[length++] = this.#byte;
      escaped[length++] = code >= 0 ? code : byte;
    }
    return escaped.subarray(0, length);
  }

  #add(meaning: number, code: number): void {
    this.#meanings[code] = meaning;
    this.#codes[meaning] = code;
  }
}

function oneByte(mark: MarkDescription): number {
  const bytes = bytesOf(mark);
  if (bytes.length !== 1)
    throw new ZocaloError('BAD_OPTION', `an escape has one byte, not the ${bytes.length} of ${JSON.stringify(mark)}`);
  return bytes[0]!;
}
