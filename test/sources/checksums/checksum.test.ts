import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { CHECKSUMS, type ChecksumName } from '../../../src/sources/checksums/index.ts';

/** What each makes of the nine digits "123456789": the catalogue's `check`, or added up by hand. */
const PUBLISHED: Readonly<Record<ChecksumName, number>> = {
  xor: 0x31,
  sum: 0xdd, // 477
  sum16: 0x01dd,
  lrc: 0x23,
  crc8: 0xf4,
  'crc8-maxim': 0xa1,
  'crc8-rohc': 0xd0,
  'crc16-xmodem': 0x31c3,
  'crc16-ccitt-false': 0x29b1,
  'crc16-x25': 0x906e,
  'crc16-mcrf4xx': 0x6f91,
  'crc16-kermit': 0x2189,
  'crc16-modbus': 0x4b37,
  'crc16-ibm': 0xbb3d,
  crc32: 0xcbf43926,
};

for (const [name, check] of Object.entries(PUBLISHED) as [ChecksumName, number][])
  test(`${name} of the nine digits is the published ${check.toString(16)}`, () => {
    const digits = Buffer.from('123456789');
    assert.equal(CHECKSUMS[name].compute(digits, 0, digits.length), check);
    // Only the part that was asked for counts.
    assert.equal(CHECKSUMS[name].compute(Buffer.from('<123456789>'), 1, 10), check);
  });

test('the table of published values has every checksum', () => {
  assert.deepEqual(Object.keys(PUBLISHED), Object.keys(CHECKSUMS));
});

test('each checksum fits its width', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...Object.values(CHECKSUMS)), (bytes, checksum) => {
      const value = checksum.compute(bytes, 0, bytes.length);
      assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * checksum.width));
    }),
  );
});

test('crc32 agrees with zlib', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(CHECKSUMS.crc32.compute(bytes, 0, bytes.length), crc32(bytes));
    }),
  );
});
