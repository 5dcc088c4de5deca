import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogGap, Page } from '../../src/broker/index.ts';
import { BROKERS, MISSING, QUEUEING } from './brokers.ts';

const START = 1_700_000_000_000;
const ALL = { size: Number.POSITIVE_INFINITY, ttl: Number.POSITIVE_INFINITY };

function shown(page: Page | LogGap) {
  assert.equal(page.gap, undefined);
  return (page as Page).entries.map(({ offset, time, data, meta }) => [offset, time - START, data, meta]);
}

for (const [name, make] of Object.entries(BROKERS))
  describe(`entries that are changed in the log: ${name}`, { skip: MISSING[name] ?? false }, () => {
    test('an entry gets other data and metadata, and everything else stays', async (t) => {
      let now = START;
      const broker = await make(t, { now: () => now });
      for (let n = 1; n <= 150; n++) {
        await broker.publish('a', { data: `"${n}"`, meta: n % 2 ? `{"key":"${n}"}` : null, key: `${n}`, keep: ALL });
        now++;
      }
      const { epoch } = await broker.state('a');
      const before = shown(await broker.read('a', [epoch, 0], { limit: 1_000 }));
      assert.equal(await broker.rewrite('a', [epoch, 1], { data: 'null', meta: '{"erased":true}' }), true);
      assert.equal(await broker.rewrite('a', [epoch, 77], { data: '{"é":[1]}', meta: null }), true);
      assert.equal(await broker.rewrite('a', [epoch, 150], { data: '"last"', meta: '{}' }), true);
      const expected = before.map((entry) => [...entry]);
      expected[0]!.splice(2, 2, 'null', '{"erased":true}');
      expected[76]!.splice(2, 2, '{"é":[1]}', null);
      expected[149]!.splice(2, 2, '"last"', '{}');
      assert.deepEqual(shown(await broker.read('a', [epoch, 0], { limit: 1_000 })), expected);
      // What follows goes on as before, and so do keys and limits.
      assert.equal((await broker.publish('a', { data: '"151"', keep: ALL })).position[1], 151);
      assert.deepEqual(await broker.publish('a', { data: '"77"', key: '77', keep: ALL }), {
        position: [epoch, 77],
        duplicate: true,
      });
      assert.deepEqual(await broker.trim('a', { size: 2, ttl: 1e9 }), { epoch, oldest: 150, head: 151 });
      assert.deepEqual(
        shown(await broker.read('a', [epoch, 149])).map(([, , data]) => data),
        ['"last"', '"151"'],
      );
    });

    test('what is not in the log is not changed, and no change is reported', async (t) => {
      let now = START;
      const broker = await make(t, { now: () => now });
      const heard: string[] = [];
      await broker.watch('a', (_, __, entries) => heard.push(...entries.map(({ data }) => data)));
      const other = { data: '"other"', meta: null };
      const { epoch } = await broker.state('a');
      assert.equal(await broker.rewrite('a', [epoch, 1], other), false);
      for (const data of ['1', '2', '3']) await broker.publish('a', { data, keep: { size: 2, ttl: 1_000 } });
      assert.equal(await broker.rewrite('a', ['another', 3], other), false);
      assert.equal(await broker.rewrite('a', [epoch, 0], other), false);
      assert.equal(await broker.rewrite('a', [epoch, 1], other), false);
      assert.equal(await broker.rewrite('a', [epoch, 4], other), false);
      assert.equal(await broker.rewrite('a', [epoch, 2], other), true);
      now += 60_000;
      assert.equal(await broker.rewrite('a', [epoch, 3], other), false);
      assert.deepEqual(heard, ['1', '2', '3']);
      assert.equal((await broker.state('b')).head, 0);
    });
  });

for (const [name, make] of Object.entries(QUEUEING))
  test(`the notice of a change is in no queue, full or not: ${name}`, async (t) => {
    const broker = await make(t, { now: () => START });
    await broker.useQueues([{ name: 'q', from: ['a'], rows: 1, bytes: 1_000 }]);
    await broker.publish('a', { data: '1' });
    await broker.publish('a', { data: '2', isUnqueued: true });
    const queued = await broker.queued('q', { limit: 10, bytes: 1_000 });
    assert.deepEqual(
      queued.map(({ data }) => data),
      ['1'],
    );
  });
