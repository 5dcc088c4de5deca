import { ZocaloError } from '../../errors.ts';
import { type Decoded, type Decoder, type JsonValue, jsonNumber, notDecoded } from './decoded.ts';
import { textReader } from './text.ts';

/** Reads `size` bytes at `at`; undefined where they do not have the field's form. */
type Read = (frame: Buffer, at: number, size: number) => JsonValue | undefined;

interface Field {
  /** As it was written. */
  readonly text: string;
  readonly read: Read;
  /** In bytes; undefined: all that is left. */
  readonly size: number | undefined;
  /** Negative: from the end. */
  readonly offset: number;
}

const FORM =
  /^(?<type>[uif])(?<bits>8|16|24|32|40|48|64)(?<endian>be|le)?(?<scale>[*/]\d+(?:\.\d+)?(?:e-?\d+)?)?@(?<offset>-?\d+)$|^(?<kind>bcd|hex|ascii|latin1|utf8)\((?<size>\d+|\*)\)@(?<place>-?\d+)$|^(?<time>time32(?:be|le)\((?<epoch>\d{4}-\d\d-\d\d)\)|date6|date6bcd)@(?<when>-?\d+)$/;

/**
 * Fields at fixed places, by their names: `u16be@4`, `i32le/100@8`, `f32be@-6`, `bcd(8)@4`, `ascii(15)@2`, `hex(*)@9`,
 * `time32be(2000-01-01)@5`, `date6@4`.
 * @throws ZocaloError BAD_OPTION for a field that is written otherwise.
 */
export function fieldsDecoder(fields: Readonly<Record<string, string>>): Decoder {
  const parsed = Object.entries(fields).map(([name, text]) => [name, parseField(text)] as const);
  return (frame) => {
    const values: Record<string, JsonValue> = {};
    for (const [name, field] of parsed) {
      const value = readField(field, frame);
      if (value instanceof ZocaloError) return value;
      values[name] = value as JsonValue;
    }
    return values;
  };
}

function readField({ text, read, size, offset }: Field, frame: Buffer): Decoded | ZocaloError {
  const at = offset < 0 ? frame.length + offset : offset;
  const length = size ?? Math.max(0, frame.length - at);
  if (at < 0 || at + length > frame.length)
    return notDecoded(`the field ${text} lies outside of a frame of ${frame.length} bytes`);
  const value = read(frame, at, length);
  return value === undefined ? notDecoded(`the bytes of the field ${text} have another form`) : value;
}

function parseField(text: string): Field {
  const groups = FORM.exec(text.replaceAll(' ', ''))?.groups;
  if (!groups) throw badField(text);
  if (groups.kind) {
    const size = groups.size === '*' ? undefined : Number(groups.size);
    return { text, read: READERS[groups.kind as keyof typeof READERS], size, offset: Number(groups.place) };
  }
  if (groups.time) return { text, ...timeField(groups.time, groups.epoch), offset: Number(groups.when) };
  const [bits, isLittle] = [Number(groups.bits), groups.endian === 'le'];
  if (bits > 8 && groups.endian === undefined) throw badField(text);
  const read = numberReader(groups.type!, bits, isLittle);
  if (!read) throw badField(text);
  return { text, read: scaled(read, groups.scale), size: bits / 8, offset: Number(groups.offset) };
}

function badField(text: string): ZocaloError {
  return new ZocaloError('BAD_OPTION', `${JSON.stringify(text)} is not a field`, {
    advice: 'write it as u16be@4, i32le/100@8, f32be@-6, bcd(8)@4, ascii(15)@2, hex(*)@9 or time32be(2000-01-01)@5',
  });
}

function numberReader(
  type: string,
  bits: number,
  isLittle: boolean,
): ((frame: Buffer, at: number) => number | bigint) | undefined {
  const width = bits / 8;
  if (type === 'f') {
    if (bits === 32) return (frame, at) => (isLittle ? frame.readFloatLE(at) : frame.readFloatBE(at));
    if (bits === 64) return (frame, at) => (isLittle ? frame.readDoubleLE(at) : frame.readDoubleBE(at));
    return undefined;
  }
  if (bits === 64 && type === 'u')
    return (frame, at) => (isLittle ? frame.readBigUInt64LE(at) : frame.readBigUInt64BE(at));
  if (bits === 64) return (frame, at) => (isLittle ? frame.readBigInt64LE(at) : frame.readBigInt64BE(at));
  if (type === 'u') return (frame, at) => (isLittle ? frame.readUIntLE(at, width) : frame.readUIntBE(at, width));
  return (frame, at) => (isLittle ? frame.readIntLE(at, width) : frame.readIntBE(at, width));
}

/** `/100` divides, which rounds better than `*0.01`. */
function scaled(read: (frame: Buffer, at: number) => number | bigint, scale = ''): Read {
  const factor = Number(scale.slice(1));
  if (scale === '') return (frame, at) => jsonNumber(read(frame, at));
  if (scale.startsWith('/')) return (frame, at) => jsonNumber(Number(read(frame, at)) / factor);
  return (frame, at) => jsonNumber(Number(read(frame, at)) * factor);
}

const ascii = textReader('ascii');
const utf8 = textReader('utf-8');

/** A text of fixed size ends where its padding of zeros or spaces begins. */
function unpadded(text: string | undefined): string | undefined {
  return text?.replace(/[\0 ]+$/, '');
}

const READERS = {
  hex: (frame, at, size) => frame.toString('hex', at, at + size),
  /** Two digits a byte; an F at the end is padding. */
  bcd: (frame, at, size) => /^(\d+)f*$/.exec(frame.toString('hex', at, at + size))?.[1],
  ascii: (frame, at, size) => unpadded(ascii(frame.subarray(at, at + size))),
  latin1: (frame, at, size) => unpadded(frame.toString('latin1', at, at + size)),
  utf8: (frame, at, size) => unpadded(utf8(frame.subarray(at, at + size))),
} as const satisfies Readonly<Record<string, Read>>;

/** Times are as the device's clock shows them, which rarely knows its zone: `2026-08-21T10:42:07`. */
function timeField(form: string, epoch: string | undefined): { read: Read; size: number } {
  if (epoch !== undefined) {
    const start = Date.parse(`${epoch}T00:00:00Z`);
    if (Number.isNaN(start)) throw badField(form);
    const isLittle = form.startsWith('time32le');
    return {
      read: (frame, at) => localTime(start + 1000 * (isLittle ? frame.readUInt32LE(at) : frame.readUInt32BE(at))),
      size: 4,
    };
  }
  const digits = form === 'date6bcd' ? (byte: number) => 10 * (byte >> 4) + (byte & 15) : (byte: number) => byte;
  return { read: (frame, at) => dateOf([...frame.subarray(at, at + 6)].map(digits)), size: 6 };
}

/** Of year since 2000, month, day, hour, minute and second. */
function dateOf([year, month, day, hour, minute, second]: readonly number[]): string | undefined {
  const time = Date.UTC(2000 + year!, month! - 1, day!, hour!, minute!, second!);
  const date = new Date(time);
  // A 31st of February would be taken for a day in March.
  return date.getUTCMonth() === month! - 1 && date.getUTCSeconds() === second! && date.getUTCHours() === hour!
    ? localTime(time)
    : undefined;
}

function localTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19);
}
