import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyMask } from '../../../src/websocket/core/mask.ts';

/** RFC 6455 §5.3, word for word: transformed octet i is original octet i XOR key octet (i mod 4). */
function naive(bytes: Uint8Array, key: number, offset: number): Uint8Array {
  return bytes.map((byte, i) => byte ^ ((key >>> (24 - 8 * ((i + offset) % 4))) & 0xff));
}

test('masking agrees with a naive implementation of the RFC, at any alignment, length and offset', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 1000, maxLength: 1300, size: 'max' })),
      fc.integer(),
      fc.nat(9),
      fc.nat(9),
      fc.nat(1000),
      (payload, key, before, after, offset) => {
        const bytes = new Uint8Array(before + payload.length + after).fill(0xee);
        bytes.set(payload, before);
        applyMask(bytes, before, before + payload.length, key, offset);
        assert.deepEqual(bytes.subarray(before, before + payload.length), naive(payload, key, offset));
        assert.ok(
          bytes.subarray(0, before).every((byte) => byte === 0xee),
          'bytes before are untouched',
        );
        assert.ok(
          bytes.subarray(before + payload.length).every((byte) => byte === 0xee),
          'bytes after are untouched',
        );
      },
    ),
    { numRuns: 500 },
  );
});
