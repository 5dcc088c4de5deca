import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../src/client/index.ts';
import { Rows } from '../../src/views/rows.ts';

const messageAt = (offset: number, key?: string, epoch = 'e'): Message => ({
  channel: 'chat:42',
  data: `data ${offset}`,
  position: [epoch, offset],
  mine: key !== undefined,
  time: 1_000 + offset,
  ...(key !== undefined && { key }),
});
const shown = (rows: Rows) => rows.all.map(({ id, status }) => `${id} ${status}`);

test('a row that was on its way becomes the message in its place in the log, and stays the same row', () => {
  const rows = new Rows();
  rows.add(messageAt(1));
  rows.send('k', 'hola');
  assert.deepEqual(shown(rows), ['e/1 stored', 'k sending']);
  assert.equal(rows.all[1]?.data, 'hola');
  assert.ok(rows.settle('k', ['e', 3]));
  // What was stored before it arrives after its acknowledgement.
  assert.ok(rows.add(messageAt(2)));
  assert.deepEqual(shown(rows), ['e/1 stored', 'e/2 stored', 'k stored']);
  assert.equal(rows.all[2]?.time, undefined);
  assert.ok(rows.add(messageAt(3, 'k')));
  assert.deepEqual(shown(rows), ['e/1 stored', 'e/2 stored', 'k stored']);
  assert.equal(rows.all[2]?.time, 1_003);
  assert.equal(rows.add(messageAt(3, 'k')), false);
});

test('a message that comes before its acknowledgement replaces the row, and the acknowledgement changes nothing', () => {
  const rows = new Rows();
  rows.send('k', 'hola');
  assert.ok(rows.add(messageAt(1, 'k')));
  const { all } = rows;
  assert.equal(rows.settle('k', ['e', 1]), false);
  assert.equal(rows.all, all);
});

test('a refused row says why, and goes when it is discarded', () => {
  const rows = new Rows();
  rows.send('k', 'hola');
  assert.ok(rows.fail('k', new Error('too long')));
  rows.add(messageAt(1));
  assert.deepEqual(shown(rows), ['e/1 stored', 'k failed']);
  assert.equal(rows.all[1]?.error?.message, 'too long');
  assert.ok(rows.discard('k'));
  assert.equal(rows.discard('k'), false);
  assert.equal(rows.fail('k', new Error('again')), false);
});

test('a message of another log comes after those of the first, with the same offset too', () => {
  const rows = new Rows();
  rows.add(messageAt(7));
  rows.add(messageAt(7, undefined, 'f'));
  assert.deepEqual(shown(rows), ['e/7 stored', 'f/7 stored']);
});

test('whatever comes in any order, each row stands once in the order of the log, and another array means a change', () => {
  const step = fc.oneof(
    fc.record({ verb: fc.constant('add'), offset: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ verb: fc.constant('send'), offset: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ verb: fc.constant('settle'), offset: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ verb: fc.constant('fail'), offset: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ verb: fc.constant('discard'), offset: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ verb: fc.constant('trim'), offset: fc.integer({ min: 1, max: 12 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rows = new Rows();
      // Even offsets are ours, under a key.
      const keyOf = (offset: number) => (offset % 2 === 0 ? `k${offset}` : undefined);
      for (const { verb, offset } of steps) {
        const before = rows.all;
        const text = JSON.stringify(before);
        const key = keyOf(offset) ?? 'none';
        const hasChanged = {
          add: () => rows.add(messageAt(offset, keyOf(offset))),
          send: () => rows.send(key, `data ${offset}`),
          settle: () => rows.settle(key, ['e', offset]),
          fail: () => rows.fail(key, new Error('no')),
          discard: () => rows.discard(key),
          trim: () => rows.trim(offset),
        }[verb]!();
        assert.equal(rows.all !== before, hasChanged, verb);
        if (hasChanged) assert.ok(verb === 'fail' || JSON.stringify(rows.all) !== text, `${verb} has changed nothing`);
        assert.equal(JSON.stringify(before), text, 'an array that was read has changed');
        const ids = rows.all.map(({ id }) => id);
        assert.equal(new Set(ids).size, ids.length, ids.join());
        const stored = rows.all.filter(({ status }) => status === 'stored');
        assert.deepEqual(rows.all.slice(0, stored.length), stored, 'what is on its way comes last');
        const offsets = stored.map(({ position }) => position![1]);
        assert.deepEqual(
          offsets,
          offsets.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('a message that is erased or replaced later shows it, and the notice itself is no row', () => {
  const rows = new Rows();
  for (const offset of [1, 2, 3]) rows.add(messageAt(offset));
  assert.ok(rows.add({ ...messageAt(4), data: null, erases: 1 }));
  assert.ok(rows.add({ ...messageAt(5), data: null, replaces: 3, erased: true }));
  assert.ok(rows.add({ ...messageAt(6), data: 'new', replaces: 3 }));
  rows.add({ ...messageAt(7), data: null, erased: true });
  const state = rows.all.map(({ position, data, erased, replaced }) => [position?.[1], data, erased, replaced]);
  assert.deepEqual(state, [
    [1, null, true, undefined],
    [2, 'data 2', undefined, undefined],
    [3, 'new', undefined, true],
    [7, null, true, undefined],
  ]);
  // They have their place in the log, so that older pages begin before them.
  const later = new Rows();
  later.add({ ...messageAt(6), data: null, erases: 1 });
  assert.deepEqual([later.all, later.first], [[], ['e', 6]]);
});
