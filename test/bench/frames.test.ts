import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientFrame, MessageCounter, parseFrame } from '../../bench/frames.ts';

test('a client frame is masked and has the shortest header for its length', () => {
  assert.equal(clientFrame(Buffer.from('Hi'), { text: true }).toString('hex'), '818237fa213d7f93');
  assert.equal(clientFrame(Buffer.alloc(126), { text: false }).subarray(0, 4).toString('hex'), '82fe007e');
  assert.equal(
    clientFrame(Buffer.alloc(65536), { text: false, compressed: true }).subarray(0, 10).toString('hex'),
    'c2ff0000000000010000',
  );
});

test('a frame from the server is parsed once it is there to its end', () => {
  const bytes = Buffer.from('c1024869', 'hex');
  assert.equal(parseFrame(bytes.subarray(0, 3)), undefined);
  const payload = Buffer.from('Hi');
  assert.deepEqual(parseFrame(bytes), { final: true, compressed: true, text: true, payload, length: 4 });
});

test('the counter counts whole messages however the bytes are split, and neither pings nor fragments', () => {
  const frame = (first: number, length: number) => {
    const header = Buffer.from(length < 126 ? [first, length] : [first, 126, length >> 8, length & 255]);
    return Buffer.concat([header, Buffer.alloc(length, 0xff)]);
  };
  const anyFrame = fc.oneof(
    fc.nat(300).map((length) => ({ bytes: frame(0x82, length), messages: 1 })),
    fc.nat(9).map((length) => ({ bytes: frame(0x89, length), messages: 0 })),
    fc.nat(9).map((length) => ({ bytes: Buffer.concat([frame(0x01, length), frame(0x80, 0)]), messages: 1 })),
  );
  fc.assert(
    fc.property(fc.array(anyFrame), fc.integer({ min: 1, max: 50 }), (frames, step) => {
      const counter = new MessageCounter();
      const stream = Buffer.concat(frames.map(({ bytes }) => bytes));
      let counted = 0;
      for (let at = 0; at < stream.length; at += step) {
        const chunk = stream.subarray(at, at + step);
        counted += counter.count(chunk, chunk.length);
      }
      assert.equal(
        counted,
        frames.reduce((sum, { messages }) => sum + messages, 0),
      );
    }),
  );
});
