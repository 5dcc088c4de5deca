import { type Crc, crc } from './crc.ts';

export interface Checksum {
  /** In bytes. */
  readonly width: 1 | 2 | 4;
  /** The checksum of `bytes[from]` to `bytes[to - 1]`, as an unsigned number. */
  readonly compute: Crc;
}

function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += bytes[at]!;
  return sum;
}

function xorOf(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value ^= bytes[at]!;
  return value;
}

const crc8 = { width: 8, initial: 0, reflected: false, finalXor: 0 } as const;
const ccitt = { width: 16, polynomial: 0x1021, initial: 0, reflected: false, finalXor: 0 } as const;
const ibm = { width: 16, polynomial: 0x8005, initial: 0, reflected: true, finalXor: 0 } as const;

/**
 * The checksums that devices use, by the names of the catalogue of parametrised CRC algorithms
 * (https://reveng.sourceforge.io/crc-catalogue/). `sum` and `lrc` are one byte, `sum16` is two.
 */
export const CHECKSUMS = {
  xor: { width: 1, compute: xorOf },
  sum: { width: 1, compute: (bytes, from, to) => sumOf(bytes, from, to) & 0xff },
  sum16: { width: 2, compute: (bytes, from, to) => sumOf(bytes, from, to) & 0xffff },
  /** The two's complement of the sum: Modbus ASCII. */
  lrc: { width: 1, compute: (bytes, from, to) => -sumOf(bytes, from, to) & 0xff },
  crc8: { width: 1, compute: crc({ ...crc8, polynomial: 0x07 }) },
  'crc8-maxim': { width: 1, compute: crc({ ...crc8, polynomial: 0x31, reflected: true }) },
  'crc8-rohc': { width: 1, compute: crc({ ...crc8, polynomial: 0x07, initial: 0xff, reflected: true }) },
  'crc16-xmodem': { width: 2, compute: crc(ccitt) },
  'crc16-ccitt-false': { width: 2, compute: crc({ ...ccitt, initial: 0xffff }) },
  'crc16-x25': { width: 2, compute: crc({ ...ccitt, initial: 0xffff, reflected: true, finalXor: 0xffff }) },
  /** X-25 without the complement at the end: Anviz. */
  'crc16-mcrf4xx': { width: 2, compute: crc({ ...ccitt, initial: 0xffff, reflected: true }) },
  'crc16-kermit': { width: 2, compute: crc({ ...ccitt, reflected: true }) },
  'crc16-modbus': { width: 2, compute: crc({ ...ibm, initial: 0xffff }) },
  /** Also called CRC-16/ARC. */
  'crc16-ibm': { width: 2, compute: crc(ibm) },
  crc32: {
    width: 4,
    compute: crc({ width: 32, polynomial: 0x04c11db7, initial: 0xffffffff, reflected: true, finalXor: 0xffffffff }),
  },
} as const satisfies Readonly<Record<string, Checksum>>;

export type ChecksumName = keyof typeof CHECKSUMS;
