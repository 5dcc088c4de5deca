import { hasBytes, parseJson, writtenBytes } from './bytes.ts';
import { compact, type Scan, scan } from './json-scan.ts';

/** Extra characters that a part may keep in memory as a slice of a larger text. */
const SPARE = 256;
/** The value was not parsed yet. */
const UNREAD = Symbol();

/**
 * Data in transit: JSON as text (RFC 8259), exactly as it was written. It is parsed only where its value is needed,
 * since parsing loses what JavaScript cannot represent: numbers of more than 53 bits or beyond 1e308, duplicate member
 * names, how characters were escaped.
 */
export class JsonText {
  /** Valid JSON without white space outside of strings, so on one line. */
  readonly text: string;
  #value: unknown;
  #depth: number | undefined;

  private constructor(text: string, value: unknown = UNREAD, depth?: number) {
    this.text = text;
    this.#value = value;
    this.#depth = depth;
  }

  /**
   * The JSON of a value, as `JSON.stringify` writes it; numbers can be exact with `JSON.rawJSON`. A `Uint8Array` in it, not
   * within an object of a class, becomes the form that the protocol has for bytes.
   * @throws TypeError for a value that has no JSON: a function, a circular structure, a bigint.
   */
  static of(value: unknown): JsonText {
    if (value instanceof JsonText) return value;
    // Bytes as they are would be an object with a member for each.
    const isBytes = value instanceof Uint8Array;
    let text = JSON.stringify(isBytes ? writtenBytes(value) : value) as string | undefined;
    if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON`);
    if (!isBytes && typeof value === 'object') {
      // Only now it is known not to be circular.
      const written = writtenBytes(value);
      if (written !== value) text = JSON.stringify(written);
    }
    return new JsonText(text);
  }

  /** Text from outside. @throws SyntaxError when it is not JSON, or has a lone surrogate, which UTF-8 cannot encode. */
  static parse(text: string): JsonText {
    if (!text.isWellFormed()) throw new SyntaxError('JSON text has a lone surrogate');
    const value = JSON.parse(text); // first: what takes the white space out relies on strings that end
    return new JsonText(compact(text), hasBytes(text) ? UNREAD : value);
  }

  /** Text composed of such texts; it needs no check. */
  static written(text: string): JsonText {
    return new JsonText(text);
  }

  /** A part of a text that was parsed as a whole. `found`: the scan around it. `value`: its parsed value. */
  static part(text: string, from: number, to: number, found: Scan, value: unknown): JsonText {
    const part = text.slice(from, to);
    // A slice can keep the whole text in memory, which must not outlive the request.
    const isMost = text.length <= 2 * part.length + SPARE;
    const own = found.isLoose ? compact(part) : isMost ? part : ` ${part}`.slice(1);
    return new JsonText(own, hasBytes(own) ? UNREAD : value, found.depth - 1);
  }

  /** The parsed value, with bytes as `Uint8Array`: the same object each time, which must not be changed. */
  get value(): unknown {
    if (this.#value === UNREAD) this.#value = parseJson(this.text);
    return this.#value;
  }

  /** How deep arrays and objects are nested: 0 for other values. For a part of a text, an upper bound. */
  get depth(): number {
    this.#depth ??= scan(this.text).depth;
    return this.#depth;
  }

  /** Inside other data it is replaced by its value; bytes stay in their JSON form. */
  toJSON(): unknown {
    return hasBytes(this.text) ? JSON.parse(this.text) : this.value;
  }
}
