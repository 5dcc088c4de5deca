import { JsonText, scan } from '../../../../protocol/index.ts';

/** What a worker wrote in one line. */
export type WorkerLine =
  /** The answer to an event. `text`: its JSON, which has not been checked. */
  | { readonly kind: 'answer'; readonly number: number; readonly text: string }
  /** Something that the worker wants itself. `parts`: what follows the number. */
  | { readonly kind: 'command'; readonly verb: string; readonly number: number; readonly parts: readonly JsonText[] };

/** The most common line, whose answer is checked later. */
const OK = /^\["ok",(\d{1,15}),(.*)\]$/s;

/** Reads a line; undefined if it is none of this vocabulary. */
export function readWorkerLine(line: string): WorkerLine | undefined {
  const [, number, text] = OK.exec(line) ?? [];
  if (number !== undefined) return { kind: 'answer', number: Number(number), text: text! };
  let parts: readonly JsonText[];
  try {
    parts = partsOf(line);
  } catch {
    return undefined;
  }
  const [verb, count, first, second] = parts.map(({ value }) => value);
  if (typeof verb !== 'string' || !Number.isSafeInteger(count)) return undefined;
  const id = count as number;
  if (verb === 'ok') return { kind: 'answer', number: id, text: parts[2]?.text ?? '' };
  if (verb === 'err') {
    const denial = { deny: typeof second === 'string' && second !== '' ? second : true, code: first };
    return { kind: 'answer', number: id, text: JSON.stringify(denial) };
  }
  return { kind: 'command', verb, number: id, parts: parts.slice(2) };
}

/** The elements of an array, none of anything else. @throws SyntaxError. */
export function partsOf(line: string): JsonText[] {
  const { text, value } = JsonText.parse(line);
  if (!Array.isArray(value)) return [];
  const { marks } = scan(text);
  return value.map((_, at) => JsonText.written(text.slice(marks[at]! + 1, marks[at + 1])));
}
