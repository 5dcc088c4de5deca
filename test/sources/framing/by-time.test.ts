import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FrameDescription, framerFactory } from '../../../src/sources/framing/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function open(description: FrameDescription) {
  const clock = new FakeClock();
  const codes: string[] = [];
  const framer = framerFactory(description)({ clock, report: ({ code }) => codes.push(code) });
  const take = () => framer.take()?.toString('latin1');
  return { clock, framer, codes, take, add: (text: string) => framer.append(Buffer.from(text, 'latin1')) };
}

test('silence ends a frame, and the framer says how long to wait for it', () => {
  const { clock, framer, take, add } = open({ kind: 'idle', gap: 50 });
  assert.equal(framer.wait, undefined);
  add('12');
  clock.advance(49);
  add('.5');
  assert.deepEqual([take(), framer.wait], [undefined, 50]);
  clock.advance(50);
  assert.deepEqual([take(), framer.wait, framer.pending], ['12.5', undefined, 0]);
});

test('bytes that come after the silence begin a new frame, though nobody had asked in between', () => {
  const { clock, take, add, framer } = open({ kind: 'idle', gap: 50 });
  add('one');
  clock.advance(60);
  add('two');
  assert.deepEqual([take(), take()], ['one', undefined]);
  assert.equal(framer.end()?.toString(), 'two');
});

test('frames with pauses between them are read as they were, wherever they are cut within', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 30 });
  const cuts = fc.array(fc.nat(), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(payload, cuts), { maxLength: 6 }), (sent) => {
      const { clock, framer, codes } = open({
        kind: 'idle',
        gap: 20,
        check: { algorithm: 'crc16-modbus', endian: 'little' },
      });
      const frames: Buffer[] = [];
      for (const [bytes, cuts] of sent) {
        const whole = framer.encode(bytes);
        const places = [0, ...cuts.map((cut) => cut % whole.length).toSorted((a, b) => a - b), whole.length];
        for (const [index, from] of places.slice(0, -1).entries()) {
          framer.append(Buffer.from(whole.subarray(from, places[index + 1])));
          clock.advance(19);
          assert.equal(framer.take(), undefined);
        }
        clock.advance(1);
        const frame = framer.take();
        if (frame) frames.push(frame);
      }
      assert.deepEqual(
        frames,
        sent.map(([bytes]) => Buffer.from(bytes)),
      );
      assert.deepEqual(codes, []);
    }),
  );
});

test('a device that never pauses is refused once, keeps one byte, and is read again after a pause', () => {
  const { clock, framer, codes, take, add } = open({ kind: 'idle', gap: 50, limit: 100 });
  for (let count = 0; count < 10; count++) {
    add('x'.repeat(90));
    clock.advance(10);
    assert.equal(take(), undefined);
    assert.ok(framer.pending <= 100);
  }
  clock.advance(50);
  assert.equal(take(), undefined);
  add('again');
  clock.advance(50);
  assert.deepEqual([take(), codes, framer.skipped], ['again', ['FRAME_TOO_LONG'], 900]);
});

test('a datagram is a frame, if it is neither empty nor too long nor damaged', () => {
  const { framer, codes, take, add } = open({ kind: 'datagram', limit: 8, check: 'sum' });
  const good = framer.encode(Buffer.from('ok')).toString('latin1');
  for (const datagram of ['', good, 'bad', '123456789', good]) add(datagram);
  assert.deepEqual([take(), take(), take()], ['ok', 'ok', undefined]);
  assert.deepEqual([codes, framer.skipped], [['FRAME_DAMAGED', 'FRAME_TOO_LONG'], 12]);
});
