import { CHECKSUMS } from '../checksums/index.ts';
import { type Framing, NO_MARGINS } from '../framing/index.ts';
import type { Preset } from './preset.ts';

const KEEP_ALIVE = 0xff;
const ACCEPTED = Buffer.of(1);
/** An IMEI has 15 digits, an IMEISV 16; some devices announce themselves by a longer serial number. */
const LONGEST_NAME = 64;
/** Codecs whose records the server acknowledges by their number. The others are answers to commands. */
const RECORDS: readonly number[] = [0x08, 0x8e, 0x10];

/**
 * First the IMEI: length u16 and digits. Then four zeros, length u32, codec, count, records, count, and a CRC-16 in four
 * bytes. A lone FF keeps the connection alive.
 */
class TeltonikaFraming implements Framing {
  readonly resync = 'rescan';
  readonly margins = NO_MARGINS;
  readonly overlap = 0;
  readonly whole = true;

  measure(bytes: Buffer, start: number): number {
    const there = bytes.length - start;
    if (bytes[start] === KEEP_ALIVE) return 1;
    if (there < 2) return 0;
    const name = bytes.readUInt16BE(start);
    if (name > 0) return name > LONGEST_NAME ? -1 : name + 2;
    if (there < 8) return 0;
    return bytes.readUInt16BE(start + 2) > 0 ? -1 : bytes.readUInt32BE(start + 4) + 12;
  }

  content(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const frame = bytes.subarray(start, end);
    if (frame[0] === KEEP_ALIVE) return frame.subarray(1);
    if (isName(frame)) return /^[\w-]+$/.test(frame.toString('latin1', 2)) ? frame : undefined;
    const crc = CHECKSUMS['crc16-ibm'].compute(frame, 8, frame.length - 4);
    return frame.length > 14 && crc === frame.readUInt32BE(frame.length - 4) ? frame : undefined;
  }

  fill(content: Buffer): void {
    if (content.length < 12 || isName(content)) return;
    content.fill(0, 0, 4);
    content.writeUInt32BE(content.length - 12, 4);
    content.writeUInt32BE(CHECKSUMS['crc16-ibm'].compute(content, 8, content.length - 4), content.length - 4);
  }

  wrap(content: Buffer): Buffer {
    return content;
  }
}

/** A name's length is never zero, and is below 256. */
function isName(frame: Buffer): boolean {
  return frame[1] !== 0;
}

/** Teltonika FM trackers, codecs 8, 8 extended and 16, and 12 to 14 for commands. */
export const teltonika: Preset = {
  frame: { kind: 'custom', framing: new TeltonikaFraming() },
  decode: (frame) =>
    isName(frame)
      ? { imei: frame.toString('latin1', 2) }
      : { codec: frame[8]!, records: frame[9]!, data: frame.toString('hex', 10, frame.length - 5) },
  device: '{imei}',
  isReading: (frame) => !isName(frame),
  reply(frame) {
    if (isName(frame)) return ACCEPTED;
    return RECORDS.includes(frame[8]!) ? Buffer.of(0, 0, 0, frame[9]!) : undefined;
  },
};
