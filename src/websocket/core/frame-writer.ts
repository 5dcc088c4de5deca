import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { ZocaloError } from '../../errors.ts';
import { applyMask } from './mask.ts';
import { MASKED } from './opcodes.ts';

/** Text is sent as UTF-8, bytes unchanged. */
export type Payload = string | Uint8Array;

/**
 * Size of the payload in bytes.
 * @throws ZocaloError BAD_OPTION for anything but a string or a Uint8Array: an ArrayBuffer, for example, cannot be
 * copied like one, so that the previous contents of the memory would be sent.
 */
export function payloadSize(payload: Payload): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  if (payload instanceof Uint8Array) return payload.byteLength;
  throw new ZocaloError('BAD_OPTION', `a message cannot be ${kindOf(payload)}`, {
    advice: 'send a string or a Uint8Array, or use sendJson',
  });
}

function kindOf(value: unknown): string {
  return value instanceof Object ? `of class ${value.constructor.name}` : `${value} (${typeof value})`;
}

/** Bytes of a header before a payload of `length` bytes. */
export function headerSize(length: number, masked: boolean): number {
  return (length < 126 ? 2 : length < 0x10000 ? 4 : 10) + (masked ? 4 : 0);
}

/** Writes the header of a frame at `at` and returns where its payload begins. `first` is the first byte. */
function writeHeader(target: Buffer, at: number, first: number, length: number, masked: boolean): number {
  const bit = masked ? MASKED : 0;
  target[at] = first;
  if (length < 126) {
    target[at + 1] = bit | length;
    return at + 2;
  }
  if (length < 0x10000) {
    target[at + 1] = bit | 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length;
    return at + 4;
  }
  target[at + 1] = bit | 127;
  target.writeUInt32BE(Math.floor(length / 0x1_0000_0000), at + 2);
  target.writeUInt32BE(length >>> 0, at + 6);
  return at + 10;
}

/**
 * Writes one whole frame at `at` and returns where it ends. The target must have room for the header and
 * `length` bytes; `length` is the payload's size in bytes (of UTF-8, for text).
 */
export function writeFrame(
  target: Buffer,
  at: number,
  first: number,
  payload: Payload,
  length: number,
  masked: boolean,
): number {
  let start = writeHeader(target, at, first, length, masked);
  let key = 0;
  if (masked) {
    key = nextMaskingKey();
    target.writeInt32BE(key, start);
    start += 4;
  }
  if (typeof payload === 'string') target.write(payload, start, length, 'utf8');
  else if (length < 64) for (let i = 0; i < length; i++) target[start + i] = payload[i]!;
  else target.set(payload, start);
  if (masked) applyMask(target, start, start + length, key);
  return start + length;
}

const pool = new Int32Array(1024);
let taken = pool.length;

/** An unpredictable masking key (RFC 6455 §10.3), from the cryptographic source, fetched a pool at a time. */
function nextMaskingKey(): number {
  if (taken === pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  return pool[taken++]!;
}
