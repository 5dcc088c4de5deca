import { ZocaloError } from '../../errors.ts';

/** Bytes in a description: text whose characters are bytes (`"\x02"`, `"\r\n"`), or `{ hex: '7878' }`. */
export type MarkDescription = string | { readonly hex: string };

/** @throws ZocaloError BAD_OPTION for no bytes at all, a character above U+00FF, or what is not hexadecimal. */
export function bytesOf(mark: MarkDescription): Buffer {
  if (typeof mark === 'string') {
    const wide = [...mark].find((character) => character > '\u00ff');
    if (wide !== undefined) throw badMark(mark, `${JSON.stringify(wide)} is not one byte`);
    if (mark === '') throw badMark(mark, 'it is empty');
    return Buffer.from(mark, 'latin1');
  }
  const digits = mark.hex.replaceAll(/\s/g, '');
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) throw badMark(mark.hex, 'it is not pairs of hexadecimal digits');
  return Buffer.from(digits, 'hex');
}

function badMark(mark: string, why: string): ZocaloError {
  return new ZocaloError('BAD_OPTION', `${JSON.stringify(mark)} cannot mark a frame: ${why}`, {
    advice: 'write "\\x02" for a byte, or { hex: "7e 7e" } for several',
  });
}

/** One byte sequence or several, any of which marks the start or the end of a frame. */
export class Marks {
  readonly all: readonly Buffer[];
  readonly longest: Buffer;
  /** Of the longest. */
  readonly length: number;
  /** The only one, as what `Buffer.indexOf` is fastest with. */
  readonly #only: Buffer | number | undefined;
  /** By the last byte of a mark: 1. */
  readonly #last = new Uint8Array(256);

  constructor(all: readonly Buffer[]) {
    this.all = all.toSorted((a, b) => b.length - a.length);
    this.longest = this.all[0]!;
    this.length = this.longest.length;
    for (const mark of all) this.#last[mark.at(-1)!] = 1;
    if (all.length === 1) this.#only = this.length === 1 ? all[0]![0]! : all[0]!;
  }

  /** The length of the longest mark that begins at `at`, or 0. */
  lengthAt(bytes: Buffer, at: number): number {
    for (const mark of this.all) if (standsAt(mark, bytes, at)) return mark.length;
    return 0;
  }

  /** The length of the longest mark that ends before `end`, or 0. */
  lengthBefore(bytes: Buffer, start: number, end: number): number {
    for (const mark of this.all)
      if (end - mark.length >= start && standsAt(mark, bytes, end - mark.length)) return mark.length;
    return 0;
  }

  /** Where the first mark ends that begins at `from` or later and ends first, or -1. Each byte is looked at once. */
  endOfNext(bytes: Buffer, from: number): number {
    if (this.#only !== undefined) {
      const at = bytes.indexOf(this.#only, from);
      return at < 0 ? -1 : at + this.length;
    }
    const last = this.#last;
    for (let at = from; at < bytes.length; at++)
      if (last[bytes[at]!] === 1 && this.lengthBefore(bytes, from, at + 1) > 0) return at + 1;
    return -1;
  }

  /** Where the next mark begins, at `from` or later, or -1. */
  next(bytes: Buffer, from: number): number {
    const end = this.endOfNext(bytes, from);
    return end < 0 ? -1 : end - this.lengthBefore(bytes, from, end);
  }

  /**
   * 0 if a mark begins at `start`, or may when more bytes are there; otherwise minus the number of bytes before the next
   * place where one does or may.
   */
  garbageAt(bytes: Buffer, start: number): number {
    if (this.lengthAt(bytes, start) > 0) return 0;
    const next = this.next(bytes, start + 1);
    if (next > 0) return start - next;
    let may = Math.max(start, bytes.length - this.length + 1);
    while (may < bytes.length && !this.#mayBeginAt(bytes, may)) may++;
    return start - may;
  }

  #mayBeginAt(bytes: Buffer, at: number): boolean {
    const rest = bytes.subarray(at);
    return this.all.some((mark) => mark.length > rest.length && mark.subarray(0, rest.length).equals(rest));
  }

  /** Where the last mark begins that lies between `from` and `to`, or -1. */
  last(bytes: Buffer, from: number, to: number): number {
    if (to - from < 1) return -1;
    const part = bytes.subarray(from, to);
    const found = Math.max(...this.all.map((mark) => part.lastIndexOf(mark)));
    return found < 0 ? -1 : from + found;
  }
}

function standsAt(mark: Buffer, bytes: Buffer, at: number): boolean {
  if (at + mark.length > bytes.length) return false;
  for (let index = 0; index < mark.length; index++) if (bytes[at + index] !== mark[index]) return false;
  return true;
}
