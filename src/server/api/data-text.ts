import { JsonText, memberIn, type Scan, scan } from '../../protocol/index.ts';

/**
 * Replaces the parsed `data` of a body, or of each entry of a list, by its original text, so that receivers get every
 * number unrounded. The other members are for the server alone.
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
