import { isUtf8 } from 'node:buffer';

/**
 * Bytes from outside as text. What is not UTF-8 is refused, never replaced: `José` and `Josè` in another encoding would
 * become one. @throws Error, which quotes nothing of it; `what` begins its sentence.
 */
export function utf8(bytes: Buffer, what: string): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new Error(`${what} is not UTF-8`);
}
