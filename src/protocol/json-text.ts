import { compact, type Scan, scan } from './json-scan.ts';

/** Characters by which a text may be kept alive that is larger than the part of it that is needed. */
const SPARE = 256;
/** No value has been read yet. */
const UNREAD = Symbol();

/**
 * Data on its way: JSON as text (RFC 8259) that nobody has rewritten. It is read only where somebody needs its value,
 * since reading loses what JavaScript cannot hold: numbers of more than 53 bits or beyond 1e308, members of the same
 * name, how something was escaped.
 */
export class JsonText {
  /** Valid JSON without white space outside of its strings, and so on one line. */
  readonly text: string;
  #value: unknown;
  #depth: number | undefined;

  private constructor(text: string, value: unknown = UNREAD, depth?: number) {
    this.text = text;
    this.#value = value;
    this.#depth = depth;
  }

  /**
   * What `JSON.stringify` makes of a value; numbers can be exact by `JSON.rawJSON`.
   * @throws TypeError for what it makes nothing of, or cannot: a function, a circle, a bigint.
   */
  static of(value: unknown): JsonText {
    if (value instanceof JsonText) return value;
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`JSON has nothing for what is ${typeof value}`);
    return new JsonText(text);
  }

  /** Text that somebody wrote. @throws SyntaxError when it is not JSON, or has half a character, which no UTF-8 has. */
  static parse(text: string): JsonText {
    if (!text.isWellFormed()) throw new SyntaxError('JSON text has half a character');
    return new JsonText(compact(text), JSON.parse(text));
  }

  /** Text that was put together of texts like these, and needs no check. */
  static written(text: string): JsonText {
    return new JsonText(text);
  }

  /** A part of a text that was read as a whole. `found`: in what it lies. `value`: what was read. */
  static part(text: string, from: number, to: number, found: Scan, value: unknown): JsonText {
    const part = text.slice(from, to);
    // The engine lets a part share the memory of the whole, which must not outlive the request with it.
    const isMost = text.length <= 2 * part.length + SPARE;
    const own = found.isLoose ? compact(part) : isMost ? part : ` ${part}`.slice(1);
    return new JsonText(own, value, found.depth - 1);
  }

  /** What `JSON.parse` makes of it: the same each time, and not to be changed. */
  get value(): unknown {
    if (this.#value === UNREAD) this.#value = JSON.parse(this.text);
    return this.#value;
  }

  /** How deep arrays and objects lie inside each other: 0 for what is neither. Of a part of a whole, as deep as that may go. */
  get depth(): number {
    this.#depth ??= scan(this.text).depth;
    return this.#depth;
  }

  /** Within other data it is its value. */
  toJSON(): unknown {
    return this.value;
  }
}
