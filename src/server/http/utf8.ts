import { isUtf8 } from 'node:buffer';

/**
 * Decodes bytes from outside. Other encodings are refused, never replaced: otherwise `José` and `Josè` in Latin-1 would
 * become the same text. @throws Error, whose message begins with `what` and quotes none of the bytes.
 */
export function utf8(bytes: Buffer, what: string): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new Error(`${what} is not UTF-8`);
}
