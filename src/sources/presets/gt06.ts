import { CHECKSUMS } from '../checksums/index.ts';
import type { JsonValue } from '../decoding/index.ts';
import { type Head, Marks, MeasuredFraming } from '../framing/index.ts';
import type { Preset } from './preset.ts';

const SHORT = Buffer.from('7878', 'hex');
const LONG = Buffer.from('7979', 'hex');
const END = Buffer.from('\r\n');
/** What a frame has besides what its length counts: both marks and the length itself. */
const AROUND = { short: 5, long: 6 } as const;

/** `7878`, length u8, or `7979`, length u16; what it counts: type, content, serial number u16, CRC; then CR LF. */
const head: Head = {
  marks: new Marks([SHORT, LONG]),
  end: END,
  length(bytes, start) {
    if (bytes.length - start < 4) return 0;
    const length = bytes[start] === 0x78 ? bytes[start + 2]! : bytes.readUInt16BE(start + 2);
    // Type, serial number and CRC are always there.
    if (length < 5) return -1;
    return length + (bytes[start] === 0x78 ? AROUND.short : AROUND.long);
  },
  fill(content) {
    const isLong = content.length > 0xff + AROUND.short || content[0] === 0x79;
    if (content.length < AROUND.long) return;
    (isLong ? LONG : SHORT).copy(content);
    if (isLong) content.writeUInt16BE((content.length - AROUND.long) & 0xffff, 2);
    else content[2] = content.length - AROUND.short;
  },
};

const TYPE = { login: 0x01, location: 0x12, status: 0x13, alarm: 0x16, locationLbs: 0x22, heartbeat: 0x23 } as const;

/** Devices send these again until they are answered. */
const ANSWERED: readonly number[] = [TYPE.login, TYPE.status, TYPE.alarm, TYPE.heartbeat, 0x26, 0x27];
/** The device asks for the time. */
const TIME = 0x8a;
/** These keep the connection; their state of the battery is of no use to a page. */
const NO_READINGS: readonly number[] = [TYPE.login, TYPE.status, TYPE.heartbeat, TIME];

/** Concox GT06 and its many relatives: GPS trackers. */
export const gt06: Preset = {
  frame: {
    kind: 'custom',
    framing: new MeasuredFraming(head),
    check: { algorithm: 'crc16-x25', from: 2, at: -4 },
    limit: 4_096,
  },
  decode(frame) {
    const type = typeOf(frame);
    const content = contentOf(frame);
    return {
      type,
      serial: frame.readUInt16BE(frame.length - 6),
      ...(type === TYPE.login && content.length >= 8 && { imei: content.toString('hex', 0, 8).replace(/^0/, '') }),
      ...((type === TYPE.location || type === TYPE.locationLbs || type === TYPE.alarm) && locationOf(content)),
      data: content.toString('hex'),
    };
  },
  device: '{imei}',
  isReading: (frame) => !NO_READINGS.includes(typeOf(frame)),
  reply(frame, now) {
    const type = typeOf(frame);
    if (ANSWERED.includes(type)) return answer(type, Buffer.alloc(0), frame);
    return type === TIME ? answer(type, dateBytes(now), frame) : undefined;
  },
};

function offsetOf(frame: Buffer): number {
  return frame[0] === 0x78 ? 3 : 4;
}

function typeOf(frame: Buffer): number {
  return frame[offsetOf(frame)]!;
}

function contentOf(frame: Buffer): Buffer {
  return frame.subarray(offsetOf(frame) + 1, frame.length - 6);
}

/** Date (six bytes), satellites, latitude and longitude in 1/1,800,000 degree, km/h, course with flags. */
function locationOf(content: Buffer): Readonly<Record<string, JsonValue>> {
  if (content.length < 18) return {};
  const [year, month, day, hour, minute, second] = content;
  const flags = content.readUInt16BE(16);
  return {
    time: new Date(Date.UTC(2000 + year!, month! - 1, day!, hour!, minute!, second!)).toISOString(),
    satellites: content[6]! & 0x0f,
    latitude: ((flags & 0x0400 ? 1 : -1) * content.readUInt32BE(7)) / 1_800_000,
    longitude: ((flags & 0x0800 ? -1 : 1) * content.readUInt32BE(11)) / 1_800_000,
    speed: content[15]!,
    course: flags & 0x03ff,
    fixed: (flags & 0x1000) !== 0,
  };
}

/** The same type and serial number come back. */
function answer(type: number, content: Buffer, frame: Buffer): Buffer {
  const reply = Buffer.alloc(content.length + 10);
  SHORT.copy(reply);
  reply[2] = content.length + 5;
  reply[3] = type;
  content.copy(reply, 4);
  const end = content.length + 4;
  frame.copy(reply, end, frame.length - 6, frame.length - 4);
  reply.writeUInt16BE(CHECKSUMS['crc16-x25'].compute(reply, 2, end + 2), end + 2);
  END.copy(reply, end + 4);
  return reply;
}

function dateBytes(now: Date): Buffer {
  const parts = [now.getUTCFullYear() - 2000, now.getUTCMonth() + 1, now.getUTCDate()];
  return Buffer.from([...parts, now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()]);
}
