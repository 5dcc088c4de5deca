import fc from 'fast-check';
import { type FrameDescription, framerFactory } from '../../../src/sources/framing/index.ts';
import { PRESETS, type PresetName } from '../../../src/sources/presets/index.ts';

/** One kind of frame with payloads that it can carry. */
export interface Sample {
  readonly name: string;
  readonly description: FrameDescription;
  readonly payload: fc.Arbitrary<Uint8Array>;
  /** Bytes in which no frame begins: for a kind with a mark of the start. */
  readonly garbage?: fc.Arbitrary<Uint8Array>;
  /** Bytes that never end a frame, however many come. */
  readonly endless: number;
  /** A preset's frames are handed out whole, so that only they can be sent. */
  readonly isPreset?: boolean;
}

const any = fc.uint8Array({ minLength: 1, maxLength: 40 });

function without(...bytes: number[]): fc.Arbitrary<Uint8Array> {
  return any.filter((payload) => !payload.some((byte) => bytes.includes(byte)));
}

export const SAMPLES: Sample[] = [
  { name: 'lines', description: { kind: 'lines' }, payload: without(10, 13), endless: 65 },
  { name: 'lines sent with CRLF', description: { kind: 'lines', send: '\r\n' }, payload: without(10, 13), endless: 65 },
  {
    name: 'lines with a checksum',
    description: { kind: 'lines', check: { algorithm: 'xor', as: 'hex' } },
    payload: without(10, 13),
    endless: 65,
  },
  { name: 'a delimiter', description: { kind: 'delimiter', delimiter: '#' }, payload: without(35), endless: 65 },
  {
    name: 'a delimiter of three bytes',
    description: { kind: 'delimiter', delimiter: '#\r\n' },
    payload: without(35),
    endless: 35,
  },
  {
    name: 'several delimiters',
    description: { kind: 'delimiter', delimiter: ['##', '\0', ')'] },
    payload: without(35, 0, 41),
    endless: 65,
  },
  {
    name: 'a fixed length',
    description: { kind: 'fixed', length: 7 },
    payload: fc.uint8Array({ minLength: 7, maxLength: 7 }),
    endless: -1,
  },
  {
    name: 'a fixed length with a start and a checksum',
    description: { kind: 'fixed', length: 9, start: '\xaa', check: 'crc16-xmodem', strip: { start: 1, end: 2 } },
    payload: fc.uint8Array({ minLength: 6, maxLength: 6 }),
    garbage: without(0xaa),
    endless: 65,
  },
  {
    name: 'a length of two bytes, taken off',
    description: { kind: 'length', strip: { start: 2, end: 0 } },
    payload: any,
    endless: -1,
  },
  {
    name: 'a length of four bytes',
    description: { kind: 'length', width: 4, endian: 'little', strip: { start: 4, end: 0 } },
    payload: any,
    endless: -1,
  },
  {
    name: 'a length of three bytes that counts the head',
    description: { kind: 'length', width: 3, adjust: -3, strip: { start: 3, end: 0 } },
    payload: any,
    endless: -1,
  },
  {
    name: 'start, length, checksum and end',
    description: {
      kind: 'length',
      start: { hex: '7878' },
      end: '\r\n',
      width: 1,
      adjust: 2,
      check: { algorithm: 'crc16-x25', from: 2, at: -4 },
      strip: { start: 3, end: 4 },
    },
    payload: any,
    garbage: without(0x78),
    endless: 65,
  },
  {
    name: 'STX and ETX',
    description: { kind: 'enclosed', start: '\x02', end: '\x03' },
    payload: without(2, 3),
    garbage: without(2),
    endless: 65,
  },
  {
    name: 'STX, ETX and a checksum behind it',
    description: { kind: 'enclosed', start: '\x02', end: '\x03', after: 1, check: 'xor' },
    payload: without(2, 3),
    garbage: without(2),
    endless: 65,
  },
  {
    name: 'several starts, an end of two bytes and a checksum before it',
    description: { kind: 'enclosed', start: ['$', '!'], end: '\r\n', check: { algorithm: 'sum', as: 'hex' } },
    payload: without(36, 33, 13, 10),
    garbage: without(36, 33),
    endless: 65,
  },
  {
    name: 'marks with an escape that changes a byte',
    description: { kind: 'enclosed', start: '(', end: ')', escape: { byte: '=', xor: 0x40 } },
    payload: any,
    garbage: without(40),
    endless: 65,
  },
  {
    name: 'marks with an escape that leaves a byte',
    description: { kind: 'enclosed', start: '\x02', end: '\x03', escape: { byte: '\x10' } },
    payload: any,
    garbage: without(2),
    endless: 65,
  },
  {
    name: 'one flag for start and end, as in HDLC',
    description: {
      kind: 'enclosed',
      start: '\x7e',
      end: '\x7e',
      escape: { byte: '\x7d', xor: 0x20 },
      check: 'crc16-x25',
    },
    payload: any,
    endless: 65,
  },
  { name: 'SLIP', description: { kind: 'slip' }, payload: any, endless: 65 },
  {
    name: 'COBS',
    description: { kind: 'cobs' },
    payload: fc.oneof(any, fc.uint8Array({ minLength: 240, maxLength: 520 })),
    endless: 65,
  },
];

/** Frames of a preset: what it makes of any bytes that begin as its frames do. */
function preset(name: PresetName, sent: fc.Arbitrary<Uint8Array>, rest: Pick<Sample, 'garbage' | 'endless'>): Sample {
  const description: FrameDescription = PRESETS[name].frame;
  const framer = framerFactory(description)({ report: () => {} });
  const payload = sent.map((bytes) => {
    framer.append(framer.encode(bytes));
    return framer.take()!;
  });
  return { name, description, payload, isPreset: true, ...rest };
}

function bytes(least: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: least, maxLength: 60 });
}

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 15, maxLength: 15 });

SAMPLES.push(
  preset('stx-etx', without(2, 3), { garbage: without(2), endless: 65 }),
  preset('mllp', without(0x0b, 0x1c), { garbage: without(0x0b), endless: 65 }),
  preset(
    'nmea',
    without(36, 33, 13, 10, 42).map((text) => Buffer.concat([Buffer.from('$'), text, Buffer.from('*00')])),
    { garbage: without(36, 33), endless: 65 },
  ),
  preset('syslog', bytes(1), { endless: -1 }),
  preset('statsd', without(10, 13), { endless: 65 }),
  preset('modbus', bytes(8), { endless: -1 }),
  preset('gt06', bytes(11), { garbage: without(0x78, 0x79), endless: 65 }),
  preset(
    'teltonika',
    fc.oneof(
      digits.map((imei) => Buffer.from(`\0\x0f${imei}`)),
      bytes(16).map((packet) => Buffer.concat([Buffer.alloc(4), packet])),
    ),
    { endless: 65 },
  ),
  preset('anviz', bytes(12), { garbage: without(0xa5), endless: 65 }),
);
