import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ZocaloError } from '../../../src/errors.ts';
import { type FrameDescription, type Framer, framerFactory } from '../../../src/sources/framing/index.ts';
import { SAMPLES } from './samples.ts';

interface Heard {
  readonly framer: Framer;
  readonly errors: ZocaloError[];
}

function framerOf(description: FrameDescription): Heard {
  const errors: ZocaloError[] = [];
  return { framer: framerFactory(description)({ report: (error) => errors.push(error) }), errors };
}

/** What a framer makes of chunks, in hexadecimal. */
function framesOf(framer: Framer, chunks: Iterable<Buffer>): string[] {
  const frames: string[] = [];
  for (const chunk of chunks) {
    framer.append(chunk);
    for (let frame = framer.take(); frame; frame = framer.take()) frames.push(frame.toString('hex'));
  }
  return frames;
}

/** Cuts a copy of the bytes at any places, several of which may be the same. */
function cut(bytes: Uint8Array, places: readonly number[]): Buffer[] {
  const at = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => Buffer.from(bytes.slice(from, at[index] ?? bytes.length)));
}

/** The same one each time. */
function sample(payload: fc.Arbitrary<Uint8Array>): Uint8Array {
  return fc.sample(payload, { numRuns: 1, seed: 7 })[0]!;
}

const places = fc.array(fc.nat(), { maxLength: 12 });

for (const { name, description, payload, garbage, endless, isPreset } of SAMPLES) {
  test(`${name}: what is sent as frames is read as the same frames, wherever it is cut`, () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 6 }), places, (payloads, places) => {
        const { framer, errors } = framerOf(description);
        const bytes = Buffer.concat(payloads.map((one) => framer.encode(one)));
        const frames = framesOf(framer, cut(bytes, places));
        assert.deepEqual(
          frames,
          payloads.map((one) => Buffer.from(one).toString('hex')),
        );
        assert.deepEqual(errors, []);
        assert.equal(framer.skipped, 0);
      }),
    );
  });

  test(`${name}: any bytes give the same frames and as many skipped bytes, wherever they are cut`, () => {
    const { framer } = framerOf(description);
    const pieces = fc.oneof(
      payload.map((one) => framer.encode(one)),
      fc.uint8Array({ maxLength: 12 }),
      payload.map((one) => framer.encode(one).subarray(1)),
      payload.map((one) => framer.encode(one).subarray(0, -1)),
      fc.constantFrom(...[...framer.encode(sample(payload))].map((byte) => Buffer.of(byte))),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), places, (parts, places) => {
        const bytes = Buffer.concat(parts);
        const [whole, pieces] = [framerOf({ ...description, limit: 600 }), framerOf({ ...description, limit: 600 })];
        const [first, second] = [framesOf(whole.framer, [bytes]), framesOf(pieces.framer, cut(bytes, places))];
        assert.deepEqual(second, first);
        assert.equal(pieces.framer.skipped, whole.framer.skipped);
        assert.equal(pieces.framer.pending, whole.framer.pending);
      }),
      { numRuns: 300 },
    );
  });

  if (garbage)
    test(`${name}: garbage before a frame is skipped and counted, up to the next start`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(garbage, payload), { minLength: 1, maxLength: 5 }), places, (pairs, places) => {
          const { framer, errors } = framerOf(description);
          const bytes = Buffer.concat(pairs.flatMap(([noise, one]) => [noise, framer.encode(one)]));
          const frames = framesOf(framer, cut(bytes, places));
          assert.deepEqual(
            frames,
            pairs.map(([, one]) => Buffer.from(one).toString('hex')),
          );
          assert.deepEqual(errors, []);
          assert.equal(
            framer.skipped,
            pairs.reduce((sum, [noise]) => sum + noise.length, 0),
          );
        }),
      );
    });

  test(`${name}: two frames in one segment are two frames, and views of it where nothing is escaped`, () => {
    const { framer } = framerOf(description);
    const sent = sample(payload);
    const segment = Buffer.concat([framer.encode(sent), framer.encode(sent)]);
    framer.append(segment);
    const [first, second] = [framer.take(), framer.take()];
    assert.deepEqual([first, second], [Buffer.from(sent), Buffer.from(sent)]);
    assert.equal(framer.take(), undefined);
    const isPlain = description.kind !== 'cobs' && segment.includes(first!);
    if (isPlain && !('escape' in description)) assert.equal(first!.buffer, segment.buffer);
  });

  test(`${name}: a frame that never ends is refused once, and its memory is bounded`, () => {
    if (endless < 0) return; // any bytes are frames
    const { framer, errors } = framerOf({ ...description, limit: 1_000 });
    const begun = framer.encode(sample(payload)).subarray(0, -1);
    framer.append(begun);
    framer.take();
    for (let count = 0; count < 100; count++) {
      framer.append(Buffer.alloc(300, endless));
      assert.equal(framer.take(), undefined);
      assert.ok(framer.pending <= 1_300, `${framer.pending} bytes wait`);
    }
    assert.ok(errors.length <= 1);
    assert.equal(framer.skipped + framer.pending, begun.length + 30_000);
  });

  if (description.kind !== 'fixed' && !isPreset)
    test(`${name}: a frame over the limit cannot be sent, and is refused once when it comes; the next one is read`, () => {
      const [short, long] = [Buffer.alloc(5, 'A'), Buffer.alloc(200, 'A')];
      const { framer: sender } = framerOf(description);
      const { framer, errors } = framerOf({ ...description, limit: 100 });
      assert.throws(() => framer.encode(long), { code: 'FRAME_NOT_ENCODED' });
      const bytes = Buffer.concat([sender.encode(short), sender.encode(long), sender.encode(short)]);
      assert.deepEqual(framesOf(framer, [bytes]), [short.toString('hex'), short.toString('hex')]);
      assert.deepEqual(
        errors.map(({ code }) => code),
        ['FRAME_TOO_LONG'],
      );
      assert.ok(framer.skipped >= 200);
    });
}
