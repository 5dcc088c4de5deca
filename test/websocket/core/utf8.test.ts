import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Utf8Checker } from '../../../src/websocket/core/utf8.ts';

function isValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether some continuation makes these bytes valid: the naive oracle tries what may follow a cut character. */
function isPrefix(bytes: Uint8Array): boolean {
  const tails = [
    [],
    [0x80],
    [0xa0],
    [0x90],
    [0x80, 0x80],
    [0xa0, 0x80],
    [0x90, 0x80],
    [0x80, 0x80, 0x80],
    [0x90, 0x80, 0x80],
  ];
  return tails.some((tail) => isValid(new Uint8Array([...bytes, ...tail])));
}

function check(pieces: Uint8Array[]): { ok: boolean; complete: boolean } {
  const checker = new Utf8Checker();
  const ok = pieces.every((piece) => checker.push(piece));
  return { ok, complete: checker.complete };
}

function cut(bytes: Uint8Array, at: number[]): Uint8Array[] {
  const edges = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

/** Mostly text, with wrong bytes strewn in, and long enough for the vectorised path. */
const mixed = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3 }) },
    ),
    { maxLength: 8 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

test("text is valid exactly when the platform's decoder accepts it, however it is split", () => {
  fc.assert(
    fc.property(mixed, fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
      const { ok, complete } = check(cut(bytes, cuts));
      assert.equal(ok && complete, isValid(bytes));
    }),
    { numRuns: 1000 },
  );
});

test('an error is found at its first byte: what is accepted so far could still become valid', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
      const checker = new Utf8Checker();
      for (let i = 0; i < bytes.length; i++) {
        const ok = checker.push(bytes, i, i + 1);
        assert.equal(ok, isPrefix(bytes.subarray(0, i + 1)), `after byte ${i}`);
        if (!ok) return;
      }
    }),
    { numRuns: 2000 },
  );
});

test('the byte that reveals a surrogate, an overlong form or a code point over U+10FFFF is refused', () => {
  for (const [good, bad] of [
    [[0xed], 0xa0],
    [[0xe0], 0x9f],
    [[0xf0], 0x8f],
    [[0xf4], 0x90],
    [[], 0xc0],
    [[], 0xc1],
    [[], 0xf5],
    [[], 0x80],
  ] as const) {
    const checker = new Utf8Checker();
    assert.ok(checker.push(new Uint8Array(good)));
    assert.equal(checker.push(new Uint8Array([bad])), false, `${good} then ${bad}`);
  }
});
