import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { inflate, inflateOnThread } from '../../src/websocket/inflate.ts';

const LIMIT = 1024 * 1024;

const flushed = (text: string | Buffer) =>
  deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
/** Its last block is marked as such (RFC 7692 §7.2.3.4); the byte behind it is the header of an empty block. */
const finished = (text: string | Buffer) => Buffer.concat([deflateRawSync(text), Buffer.of(0)]);

const bothWays = async (bytes: Buffer, dictionary?: Buffer) => {
  const whole = inflate(bytes, LIMIT, dictionary);
  assert.ok((await inflateOnThread(bytes, LIMIT, dictionary)).equals(whole));
  return whole.toString();
};

test('the example of RFC 7692 §7.2.3.4 with a final block is read, even without the byte after it', async () => {
  assert.equal(await bothWays(Buffer.from('f348cdc9c9070000', 'hex')), 'Hello');
  assert.equal(await bothWays(Buffer.from('f348cdc9c90700', 'hex')), 'Hello');
});

test('data after a block that is marked as final is part of the message', async () => {
  const message = Buffer.concat([deflateRawSync('one '), deflateRawSync('two '), flushed('three')]);
  assert.equal(await bothWays(message), 'one two three');
  assert.equal(await bothWays(Buffer.concat([deflateRawSync('one '), finished('two')])), 'one two');
});

test('a block after a final one may refer to the data before it', async () => {
  const first = 'the first part of a message, ';
  const second = deflateRawSync(first, { finishFlush: constants.Z_SYNC_FLUSH, dictionary: Buffer.from(first) });
  const message = Buffer.concat([deflateRawSync(first), second.subarray(0, -4)]);
  assert.equal(await bothWays(message), first + first);
});

test('a message that is cut off anywhere inside a block is an error, and never delivered short', () => {
  const bytes = fc.oneof(fc.string({ minLength: 1, maxLength: 300 }), fc.constant('abcabcabc'.repeat(100)));
  fc.assert(
    fc.property(bytes, fc.constantFrom(0, 6, 9), fc.nat(), (text, level, at) => {
      const message = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH, level }).subarray(0, -4);
      const cut = message.subarray(0, 1 + (at % message.length));
      if (cut.length === message.length) assert.equal(inflate(cut, LIMIT, undefined).toString(), text);
      // One zero byte is an empty message; and the header of the empty block at the end may be in the byte before its last.
      else if (cut.equals(Buffer.of(0))) assert.equal(inflate(cut, LIMIT, undefined).length, 0);
      else if (cut.length < message.length - 1) assert.throws(() => inflate(cut, LIMIT, undefined));
    }),
    { numRuns: 2000 },
  );
});

test('data that looks like the end of a message is data, and a sender may leave the tail that it should remove', async () => {
  const data = Buffer.from('plaza\0\0\xff\xff', 'latin1');
  for (const level of [0, 9]) {
    const whole = deflateRawSync(data, { level, finishFlush: constants.Z_SYNC_FLUSH });
    for (const message of [whole, whole.subarray(0, -4)]) {
      assert.ok(inflate(message, LIMIT, undefined).equals(data));
      assert.ok((await inflateOnThread(message, LIMIT, undefined)).equals(data));
    }
  }
});

test('complete messages of any kind are inflated to the original', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.constantFrom(0, 1, 6, 9), fc.boolean(), (array, level, ends) => {
      const bytes = Buffer.from(array);
      const message = ends
        ? finished(bytes)
        : deflateRawSync(bytes, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
      assert.ok(inflate(message, 5000, undefined).equals(bytes));
    }),
  );
});

test('the limit applies to the whole message, however many final blocks it has', async () => {
  const part = deflateRawSync(Buffer.alloc(600));
  const twice = Buffer.concat([part, finished(Buffer.alloc(600))]);
  assert.equal(inflate(twice, 1200, undefined).length, 1200);
  for (const limit of [1199, 600, 100]) {
    assert.throws(() => inflate(twice, limit, undefined), { code: 'ERR_BUFFER_TOO_LARGE' });
    await assert.rejects(inflateOnThread(twice, limit, undefined), { code: 'ERR_BUFFER_TOO_LARGE' });
  }
  const many = Buffer.concat(Array(100_000).fill(Buffer.of(3, 0)));
  assert.throws(() => inflate(many, LIMIT, undefined), /marked as the last/);
});
