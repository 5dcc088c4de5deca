import { CHECKSUMS, type Checksum, type ChecksumName } from '../checksums/index.ts';
import type { Framing, Margins } from './framer.ts';

/** Where a frame has its checksum, and over what. Offsets count from the start, or if negative from the end. */
export interface CheckDescription {
  readonly algorithm: ChecksumName;
  /** The first byte that it covers. Default: behind the mark of the start where that is taken off, otherwise 0. */
  readonly from?: number;
  /** Behind the last byte that it covers. Default: `at`. */
  readonly to?: number;
  /** Where it stands. Default: at the end of the frame, before a mark of the end. */
  readonly at?: number;
  /** In bytes, if it has more than the algorithm: Teltonika has a CRC-16 in four. */
  readonly width?: number;
  /** Default: `big`. */
  readonly endian?: 'big' | 'little';
  /** How it is written: in bytes, or in hexadecimal digits, two for each byte. Default: `binary`. */
  readonly as?: 'binary' | 'hex';
}

/** What is taken off a frame when it has been checked: that many bytes at its start and its end. */
export interface Strip {
  readonly start: number;
  readonly end: number;
}

export class Check {
  readonly #checksum: Checksum;
  readonly #from: number;
  readonly #to: number;
  readonly #at: number;
  readonly #width: number;
  readonly #endian: 'big' | 'little';
  readonly #hex: boolean;
  /** How many bytes it takes where it stands. */
  readonly size: number;

  constructor(description: CheckDescription, margins: Margins) {
    this.#checksum = CHECKSUMS[description.algorithm];
    this.#width = description.width ?? this.#checksum.width;
    this.#hex = description.as === 'hex';
    this.size = this.#hex ? 2 * this.#width : this.#width;
    this.#endian = description.endian ?? 'big';
    this.#at = description.at ?? -this.size - (margins.after > 0 ? 0 : margins.end);
    this.#from = description.from ?? margins.start;
    this.#to = description.to ?? this.#at;
  }

  holds(frame: Buffer): boolean {
    const at = from(this.#at, frame);
    const value = this.#value(frame);
    if (value === undefined || at < 0 || at + this.size > frame.length) return false;
    if (this.#hex) {
      const digits = frame.toString('latin1', at, at + this.size);
      return /^[\da-f]+$/i.test(digits) && Number.parseInt(digits, 16) === value;
    }
    const read = this.#endian === 'big' ? frame.readUIntBE(at, this.#width) : frame.readUIntLE(at, this.#width);
    return read === value;
  }

  /** Writes it into a frame that is long enough for it. */
  write(frame: Buffer): void {
    const at = from(this.#at, frame);
    const value = this.#value(frame);
    if (value === undefined || at < 0 || at + this.size > frame.length) return;
    if (this.#hex) frame.write(value.toString(16).toUpperCase().padStart(this.size, '0'), at, 'latin1');
    else if (this.#endian === 'big') frame.writeUIntBE(value, at, this.#width);
    else frame.writeUIntLE(value, at, this.#width);
  }

  #value(frame: Buffer): number | undefined {
    const [start, end] = [from(this.#from, frame), from(this.#to, frame)];
    return start < 0 || end < start || end > frame.length ? undefined : this.#checksum.compute(frame, start, end);
  }
}

function from(offset: number, { length }: Buffer): number {
  return offset < 0 ? length + offset : offset;
}

const NOTHING: Strip = { start: 0, end: 0 };

/** The marks, and a checksum in its usual place: before the mark of the end, or behind it. */
function offMarks({ start, end, after }: Margins, check: Check | undefined): Strip {
  return { start, end: end + Math.max(after, check?.size ?? 0) };
}

/** What all kinds of frames have in common: a checksum, and what is taken off. */
export class Envelope {
  readonly #check: Check | undefined;
  readonly #strip: Strip;

  constructor(
    check: CheckDescription | undefined,
    strip: Strip | undefined,
    framing: Pick<Framing, 'margins' | 'whole'>,
  ) {
    const { margins, whole } = framing;
    this.#check = check && new Check(check, margins);
    this.#strip = strip ?? (whole ? NOTHING : offMarks(margins, check?.at === undefined ? this.#check : undefined));
  }

  /** The payload, or undefined when the checksum is wrong or the frame too short. */
  open(content: Buffer): Buffer | undefined {
    if (this.#check?.holds(content) === false) return;
    const { start, end } = this.#strip;
    if (start === 0 && end === 0) return content;
    return content.length < start + end ? undefined : content.subarray(start, content.length - end);
  }

  /** Content around a payload: `fill` writes what is fixed or counted before the checksum is made. */
  close(payload: Uint8Array, fill?: (content: Buffer) => void): Buffer {
    const content = Buffer.alloc(this.#strip.start + payload.length + this.#strip.end);
    content.set(payload, this.#strip.start);
    fill?.(content);
    this.#check?.write(content);
    return content;
  }
}
