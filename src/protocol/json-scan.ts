/**
 * The result of one pass over the text of an array or object. The text must be valid JSON; `JSON.parse` has checked it.
 */
export interface Scan {
  /**
   * Offsets of its own brackets and of the commas and colons between them. Between two of these is an element, or in an
   * object a name or its value.
   */
  readonly marks: readonly number[];
  /** How deep arrays and objects are nested, including this one. */
  readonly depth: number;
  /** Whether there is white space outside of strings. */
  readonly isLoose: boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** With this bit set, `[` and `{` are the same character, and so are `]` and `}`: one comparison covers both. */
const CURLY = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;
/** Characters of a string that are examined one by one. */
const NEAR = 24;

/**
 * Scans the first array or object at or after `from`, up to its end or to `most` marks. Nothing is copied, and the
 * stack does not grow with the depth.
 */
export function scan(text: string, from = 0, most = Number.POSITIVE_INFINITY): Scan {
  const marks: number[] = [];
  let depth = 0;
  let deepest = 0;
  let isLoose = false;
  for (let at = from; at < text.length && marks.length < most; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA || code === COLON) {
      if (depth === 1) marks.push(at);
    } else if ((code | CURLY) === OPEN) {
      if (++depth > deepest) deepest = depth;
      if (depth === 1) marks.push(at);
    } else if ((code | CURLY) === CLOSE) {
      if (--depth > 0) continue;
      marks.push(at);
      break;
    } else if (code <= SPACE && depth > 0) isLoose = true;
  }
  return { marks, depth: deepest, isLoose };
}

/** The offset of the quotation mark that ends the string starting at `from`. */
function endOfString(text: string, from: number): number {
  // Most strings are short, and for those a search costs more than checking each character.
  const near = Math.min(from + NEAR, text.length);
  for (let at = from + 1; at < near; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  for (let at = text.indexOf('"', from + 1); ; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
}

/** The first offset after `from` that is not white space. */
export function startFrom(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** The last offset before `to` that is not white space, plus one. */
export function endBefore(text: string, to: number): number {
  let at = to;
  while (text.charCodeAt(at - 1) <= SPACE) at--;
  return at;
}

/**
 * Where a member's value is in the text of an object that begins at or after `from`; undefined when there is no such
 * member. With duplicate names the last one counts, as in `JSON.parse`.
 */
export function memberIn(text: string, { marks }: Scan, name: string): [from: number, to: number] | undefined {
  const isPlain = !name.includes('\\');
  for (let at = marks.length - 3; at >= 0; at -= 2) {
    const from = startFrom(text, marks[at]! + 1);
    const length = endBefore(text, marks[at + 1]!) - from - 2;
    const isSame = isPlain && length === name.length && text.startsWith(name, from + 1);
    // An escape is longer than what it stands for.
    if (!isSame && !(length > name.length && isEscaped(text.slice(from, marks[at + 1]), name))) continue;
    return [startFrom(text, marks[at + 1]! + 1), endBefore(text, marks[at + 2]!)];
  }
  return undefined;
}

/** The text of an object's member; undefined when there is no such member, or the text is not an object. */
export function memberText(text: string, name: string): string | undefined {
  const from = startFrom(text, 0);
  const place = text[from] === '{' ? memberIn(text, scan(text, from), name) : undefined;
  return place && text.slice(...place);
}

/** Whether it is the name with escapes in it. */
function isEscaped(quoted: string, name: string): boolean {
  return quoted.includes('\\') && JSON.parse(quoted) === name;
}

/** The same JSON without white space outside of strings. */
export function compact(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code <= SPACE) {
      if (at > from) pieces.push(text.slice(from, at));
      from = at + 1;
    }
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces.join('');
}
