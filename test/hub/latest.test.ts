import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../src/broker/index.ts';
import { Latest } from '../../src/hub/channels/latest.ts';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

const KEYS = ['a', 'b', 'c', 'd', null] as const;

function entry(key: unknown, offset: number): Entry {
  return { offset, time: 0, meta: null, data: JSON.stringify({ sensor: { id: key }, offset }) };
}

/** The newest of each key, found the long way. */
function newest(keys: readonly unknown[]): number[] {
  return keys.flatMap((key, index) => (keys.lastIndexOf(key) === index ? [index + 1] : []));
}

test('as many bytes are kept as are allowed, and an older one of the same key no longer counts', () => {
  const [one, two, three] = [entry('a', 1), entry('b', 2), entry('c', 3)];
  const latest = new Latest(['e', 0], 'sensor.id', 2 * one.data.length);
  assert.equal(latest.read('e', [one, two]), true);
  assert.equal(latest.read('e', [three]), false);
  // In place of what is there, all fit.
  assert.equal(latest.read('e', [entry('a', 3), entry('b', 4), entry('a', 5)]), true);
  assert.deepEqual(
    latest.take().map(({ offset }) => offset),
    [4, 5],
  );
  assert.equal(latest.read('e', [entry('c', 6), entry('d', 7)]), true, 'what was taken does not count either');
  assert.equal(new Latest(['e', 0], 'sensor.id', 2 * one.data.length - 1).read('e', [one, two]), false);
});

test('the newest of each key is kept in order, whatever the pages, and never more bytes than allowed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(1, 80, 100, 150, 1_000_000),
      (keys, pageSize, limit) => {
        const log = keys.map((key, index) => entry(key, index + 1));
        const latest = new Latest(['e', 0], 'sensor.id', limit);
        const sent: number[] = [];
        const flush = () => {
          const entries = latest.take();
          const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
          assert.ok(entries.length === 1 || bytes <= limit, `${bytes} bytes kept`);
          sent.push(...entries.map(({ offset }) => offset));
        };
        while (latest.position[1] < log.length) {
          const [, from] = latest.position;
          if (!latest.read('e', log.slice(from, from + pageSize))) flush();
        }
        flush();
        assert.deepEqual(
          [...sent].sort((one, other) => one - other),
          sent,
        );
        for (const offset of newest(keys)) assert.ok(sent.includes(offset), `${offset} is the newest of its key`);
        if (limit === 1_000_000) assert.deepEqual(sent, newest(keys));
      },
    ),
  );
});

test('a slow reader gets the newest publication of each key, is told what is left out, and is live again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 40 }),
      fc.array(fc.constantFrom(...KEYS), { maxLength: 10 }),
      async (missed, after) => {
        const { hub, guest } = await square({ channels: { '*': { slow: 'latest', latestBy: 'sensor.id' } } });
        const ana = await guest();
        await ana.ask('sub', 'prices');
        ana.take();
        ana.wire.stick();
        ana.connection.slow();
        for (const key of missed) await hub.publish('prices', { sensor: { id: key } });
        ana.wire.free();
        await settle();
        for (const key of after) await hub.publish('prices', { sensor: { id: key } });
        const got: number[] = [];
        let position = 0;
        for (const line of ana.take()) {
          if (line[0] === 'skip') position = line[2];
          if (line[0] !== 'm') continue;
          assert.equal(line[2], position + 1);
          position = line[2];
          got.push(position);
        }
        assert.deepEqual(got, [...newest(missed), ...after.map((_, index) => missed.length + index + 1)]);
        assert.equal(position, missed.length + after.length);
      },
    ),
    { numRuns: 50 },
  );
});

test('a slow reader who wants the newest of each key is told when the log has lost some', async () => {
  const { hub, guest } = await square({
    channels: { '*': { slow: 'latest', latestBy: 'id', history: { size: 2 } } },
  });
  const ana = await guest();
  await ana.ask('sub', 'prices');
  ana.take();
  ana.wire.stick();
  ana.connection.slow();
  for (const id of [1, 2, 3, 4]) await hub.publish('prices', { id });
  ana.wire.free();
  await settle();
  await hub.publish('prices', { id: 5 });
  assert.deepEqual(
    ana.take().map((line) => [line[0], line[0] === 'gap' ? line[2].head : line[2]]),
    [
      ['gap', 4],
      ['live', 4],
      ['m', 5],
    ],
  );
});
