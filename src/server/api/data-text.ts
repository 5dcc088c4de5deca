import { JsonText, memberIn, type Scan, scan } from '../../protocol/index.ts';

/**
 * Puts the text of `data`, as it stands in a body, into the place of what was read of it: in the body's own object, or
 * in each of a list. Nothing else of a body has numbers that somebody else must get as they are.
 */
export function keepData(text: string, body: unknown): void {
  const whole = scan(text);
  if (!Array.isArray(body)) keep(text, whole, body);
  else for (const [at, part] of body.entries()) if (isObject(part)) keep(text, scan(text, whole.marks[at]! + 1), part);
}

function keep(text: string, found: Scan, body: unknown): void {
  if (isObject(body) && Object.hasOwn(body, 'data'))
    body.data = JsonText.part(text, ...memberIn(text, found, 'data')!, found, body.data);
}

function isObject(value: unknown): value is { data?: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
