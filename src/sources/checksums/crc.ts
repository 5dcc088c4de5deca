/** A cyclic redundancy check by its usual parameters, as in Ross Williams' "A painless guide to CRC". */
export interface CrcParameters {
  /** In bits. */
  readonly width: 8 | 16 | 32;
  /** Without the highest bit. */
  readonly polynomial: number;
  readonly initial: number;
  /** Whether the lowest bit of a byte goes first, in and out. */
  readonly reflected: boolean;
  readonly finalXor: number;
}

export type Crc = (bytes: Uint8Array, from: number, to: number) => number;

/** Makes the table of 256 remainders once; each byte then costs one look into it. */
export function crc({ width, polynomial, initial, reflected, finalXor }: CrcParameters): Crc {
  const mask = 2 ** width - 1;
  const table = Uint32Array.from({ length: 256 }, (_, byte) =>
    reflected ? remainderLowFirst(byte, mirrored(polynomial, width)) : remainderHighFirst(byte, polynomial, width),
  );
  const start = (reflected ? mirrored(initial, width) : initial) | 0;
  if (reflected)
    return (bytes, from, to) => {
      let value = start;
      for (let at = from; at < to; at++) value = (value >>> 8) ^ table[(value ^ bytes[at]!) & 0xff]!;
      return ((value ^ finalXor) & mask) >>> 0;
    };
  const shift = width - 8;
  return (bytes, from, to) => {
    let value = start;
    for (let at = from; at < to; at++) value = (value << 8) ^ table[((value >>> shift) ^ bytes[at]!) & 0xff]!;
    return ((value ^ finalXor) & mask) >>> 0;
  };
}

function remainderLowFirst(byte: number, polynomial: number): number {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  return value;
}

function remainderHighFirst(byte: number, polynomial: number, width: number): number {
  let value = byte << (width - 8);
  for (let bit = 0; bit < 8; bit++) value = value & (1 << (width - 1)) ? (value << 1) ^ polynomial : value << 1;
  return value;
}

/** The lowest `width` bits in reverse order. */
function mirrored(value: number, width: number): number {
  let result = 0;
  for (let bit = 0; bit < width; bit++) if (value & (1 << bit)) result |= 1 << (width - 1 - bit);
  return result;
}
