import { type Buffer, isUtf8 } from 'node:buffer';
import { WireError } from './wire-error.ts';

/**
 * The text in `bytes[start, stop)`. Decoding is needed anyway and writes U+FFFD for every mistake, so only text that
 * The text in `bytes[start, stop)`. Decoding is needed anyway and turns each error into U+FFFD, so only text that
 * contains one is checked a second time.
 */
export function decodeText(bytes: Buffer, start = 0, stop = bytes.length): string {
  const text = bytes.toString('utf8', start, stop);
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, stop))) throw notUtf8();
  return text;
}

export function notUtf8(): WireError {
  return new WireError('INVALID_UTF8', 'a text message was not valid UTF-8');
}
