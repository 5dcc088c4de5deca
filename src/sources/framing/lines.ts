import { type Framing, NO_MARGINS } from './framer.ts';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Lines that end with LF or CRLF. The last one may end with the stream. Sent with LF, or with CRLF. */
export class LineFraming implements Framing {
  readonly resync = 'delimiter';
  readonly margins = NO_MARGINS;
  readonly overlap = 0;
  readonly endsWithStream = true;
  readonly #ending: Buffer;

  constructor(ending: '\n' | '\r\n' = '\n') {
    this.#ending = Buffer.from(ending);
  }

  measure(bytes: Buffer, start: number, fresh: number): number {
    const at = bytes.indexOf(NEWLINE, fresh);
    return at < 0 ? 0 : at - start + 1;
  }

  content(bytes: Buffer, start: number, end: number): Buffer {
    const last = end - 1;
    return bytes.subarray(start, last > start && bytes[last - 1] === CARRIAGE_RETURN ? last - 1 : last);
  }

  wrap(content: Buffer): Buffer {
    return Buffer.concat([content, this.#ending]);
  }
}
