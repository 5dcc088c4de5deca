import { CHECKSUMS } from '../checksums/index.ts';
import { type Decoded, type JsonValue, notDecoded } from '../decoding/index.ts';
import { type Head, Marks, MeasuredFraming } from '../framing/index.ts';
import type { Preset } from './preset.ts';

const START = 0xa5;
/** From here on a command is an answer, and has a result before its length. */
const ANSWER = 0x80;
const PING = 0x7f;
/** What a device says at once when somebody passes. */
const RECORD = 0xdf;
const RECORD_LENGTH = 14;
/** In bytes: a template of a face has 15,360. */
const LIMIT = 16_384;
/** Seconds of a record count from here, by the device's clock. */
const EPOCH = Date.UTC(2000, 0, 2);

function lengthOffset(frame: Buffer, start = 0): number {
  return frame[start + 5]! < ANSWER ? 6 : 7;
}

/** A5, device u32 BE, command u8, [result u8], length u16 BE, data, CRC-16/MCRF4XX LE. */
const head: Head = {
  marks: new Marks([Buffer.of(START)]),
  length(bytes, start) {
    if (bytes.length - start < 9) return 0;
    const offset = lengthOffset(bytes, start);
    return offset + 2 + bytes.readUInt16BE(start + offset) + 2;
  },
  fill(content) {
    if (content.length < 10) return;
    content[0] = START;
    const offset = lengthOffset(content);
    content.writeUInt16BE(Math.max(0, content.length - offset - 4) & 0xffff, offset);
  },
};

/** Fingerprint readers and time clocks of Anviz (TC-B protocol 2.x), usually on port 5010. */
export const anviz: Preset = {
  frame: {
    kind: 'custom',
    framing: new MeasuredFraming(head),
    check: { algorithm: 'crc16-mcrf4xx', endian: 'little' },
    limit: LIMIT,
  },
  decode(frame) {
    const command = frame[5]!;
    const offset = lengthOffset(frame);
    const data = frame.subarray(offset + 2, -2);
    const common = {
      device: frame.readUInt32BE(1),
      command,
      ...(command >= ANSWER && { result: frame[6]! }),
      data: data.toString('hex'),
    };
    return command === RECORD ? withRecord(common, data) : common;
  },
  device: '{device}',
  isReading: (frame) => frame[5] !== PING,
  /** A ping is answered, with the result "success" and no data. */
  reply(frame) {
    if (frame[5] !== PING) return undefined;
    const reply = Buffer.alloc(11);
    frame.copy(reply, 0, 0, 5);
    reply[5] = PING + ANSWER;
    reply.writeUInt16LE(CHECKSUMS['crc16-mcrf4xx'].compute(reply, 0, 9), 9);
    return reply;
  },
};

/** User u40 BE, time u32 BE, how the person was recognised, what the record means, kind of work u24 BE. */
function withRecord(
  common: Readonly<Record<string, JsonValue>>,
  data: Buffer,
): Decoded | ReturnType<typeof notDecoded> {
  if (data.length < RECORD_LENGTH) return notDecoded(`a record has ${data.length} bytes instead of ${RECORD_LENGTH}`);
  return {
    ...common,
    user: data.readUIntBE(0, 5),
    time: new Date(EPOCH + 1000 * data.readUInt32BE(5)).toISOString().slice(0, 19),
    backup: data[9]!,
    record: data[10]!,
    work: data.readUIntBE(11, 3),
  };
}
