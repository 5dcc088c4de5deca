import type { MarkDescription } from '../framing/index.ts';

/** The bytes that all begin with. */
export function commonStart(bursts: readonly Buffer[]): Buffer {
  const [first] = bursts;
  if (!first) return Buffer.alloc(0);
  let length = Math.min(...bursts.map((burst) => burst.length));
  for (const burst of bursts) while (length > 0 && burst.compare(first, 0, length, 0, length) !== 0) length--;
  return first.subarray(0, length);
}

/** The bytes that all end with, when `back` bytes at their end are left out. */
export function commonEnd(bursts: readonly Buffer[], back = 0): Buffer {
  const turned = bursts.map((burst) => Buffer.from(burst.subarray(0, Math.max(0, burst.length - back))).reverse());
  return Buffer.from(commonStart(turned)).reverse();
}

/** Whether a byte is more likely a mark than part of a text: no letter, digit, space, dot, comma or sign. */
export function mayMark(byte: number): boolean {
  return !/[\w .,+-]/.test(String.fromCharCode(byte)) && byte !== 0;
}

/** As one would write it: as text where that can be read, otherwise in hexadecimal. */
export function markOf(bytes: Buffer): MarkDescription {
  return bytes.every((byte) => byte < 0x7f) ? bytes.toString('latin1') : { hex: bytes.toString('hex') };
}
