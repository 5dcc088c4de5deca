import { Escape } from './escape.ts';
import { type Framing, NO_MARGINS } from './framer.ts';

const END = 0xc0;

/** RFC 1055: a frame ends with C0, and may begin with it; DB DC stands for C0 and DB DD for DB within. */
export class SlipFraming implements Framing {
  readonly resync = 'delimiter';
  readonly margins = NO_MARGINS;
  readonly overlap = 0;
  readonly #escape = new Escape(
    {
      byte: '\xdb',
      codes: [
        ['\xc0', '\xdc'],
        ['\xdb', '\xdd'],
      ],
    },
    [],
  );

  measure(bytes: Buffer, start: number, fresh: number): number {
    const at = bytes.indexOf(END, fresh);
    return at < 0 ? 0 : at - start + 1;
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    return this.#escape.remove(bytes.subarray(start, end - 1));
  }

  /** Without a C0 in front, which the next frame of a busy line would take for an empty frame. */
  wrap(content: Buffer): Buffer {
    return Buffer.concat([this.#escape.add(content), Buffer.of(END)]);
  }
}
