import { type Framing, NO_MARGINS } from './framer.ts';

/** The longest run without a zero that one code byte can announce, and the code byte itself. */
const LONGEST = 0xff;

/** Consistent overhead byte stuffing (Cheshire and Baker, 1999): a frame has no zero, and ends with one. */
export class CobsFraming implements Framing {
  readonly resync = 'delimiter';
  readonly margins = NO_MARGINS;
  readonly overlap = 0;

  measure(bytes: Buffer, start: number, fresh: number): number {
    const at = bytes.indexOf(0, fresh);
    return at < 0 ? 0 : at - start + 1;
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const plain = Buffer.allocUnsafe(end - start);
    const last = end - 1;
    let length = 0;
    for (let at = start; at < last; ) {
      const code = bytes[at]!;
      const next = at + code;
      if (next > last) return;
      length += bytes.copy(plain, length, at + 1, next);
      at = next;
      if (code < LONGEST && at < last) plain[length++] = 0;
    }
    return plain.subarray(0, length);
  }

  wrap(content: Buffer): Buffer {
    const stuffed = Buffer.alloc(content.length + Math.ceil(content.length / (LONGEST - 1)) + 2);
    let code = 0;
    let at = 1;
    for (const byte of content) {
      if (at - code === LONGEST) {
        stuffed[code] = LONGEST;
        code = at++;
      }
      if (byte === 0) {
        stuffed[code] = at - code;
        code = at++;
      } else stuffed[at++] = byte;
    }
    stuffed[code] = at - code;
    return stuffed.subarray(0, at + 1);
  }
}
