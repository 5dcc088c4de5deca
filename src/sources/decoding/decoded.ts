import { ZocaloError } from '../../errors.ts';
import type { JsonText } from '../../protocol/index.ts';

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** What a frame says: a value, or the very text of one. */
export type Decoded = JsonValue | JsonText;

/** Makes data of a frame. A frame that it cannot read gives an error with the code FRAME_NOT_DECODED. */
export type Decoder = (frame: Buffer) => Decoded | ZocaloError;

export function notDecoded(happened: string): ZocaloError {
  return new ZocaloError('FRAME_NOT_DECODED', happened);
}

/**
 * A number as JSON can say it: a float that is not a number is null, an integer beyond 2⁵³ − 1 is the text of its
 * digits.
 */
export function jsonNumber(value: number | bigint): number | string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
