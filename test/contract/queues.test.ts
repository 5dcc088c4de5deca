import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Queueing, sqlite } from '../../src/broker/index.ts';
import { opened, QUEUEING, type Setting, temporary } from './brokers.ts';

const NOW = 1_700_000_000_000;
const still: Setting = { now: () => NOW };
const ALL = { limit: 1_000, bytes: 1 << 20 };
const ROOM = { rows: 1_000, bytes: 1 << 20 };

const dataOf = async (broker: Queueing, queue: string, bounds = ALL) =>
  (await broker.queued(queue, bounds)).map(({ data }) => data);

for (const [name, make] of Object.entries(QUEUEING)) {
  describe(`the queues of the ${name} broker`, () => {
    test('get what is published to their channels, in order, whatever the log keeps', async (t) => {
      const broker = await make(t, still);
      await broker.publish('door:1', { data: '"before"' });
      const store = await broker.useQueues([
        { name: 'doors', from: ['door:*'], ...ROOM },
        { name: 'one', from: ['door:1', 'gate'], ...ROOM },
        { name: 'rest', from: ['*'], others: ['door:*', 'zocalo:*'], ...ROOM },
      ]);
      assert.ok(store.length >= 16);
      const { position } = await broker.publish('door:1', {
        data: '1',
        meta: '{"user":"ana"}',
        keep: { size: 0, ttl: 1 },
      });
      for (const [channel, data] of [
        ['door:2', '2'],
        ['hall', '3'],
        ['gate', '4'],
        ['door:1', '5'],
      ] as const)
        await broker.publish(channel, { data });
      await broker.forget('door:1');
      assert.deepEqual(await dataOf(broker, 'doors'), ['1', '2', '5']);
      assert.deepEqual(await dataOf(broker, 'one'), ['1', '4', '5']);
      assert.deepEqual(await dataOf(broker, 'rest'), ['3', '4']);
      const [first] = await broker.queued('doors', ALL);
      const [epoch, offset] = position;
      const expected = { channel: 'door:1', epoch, offset, time: NOW, data: '1', meta: '{"user":"ana"}' };
      assert.deepEqual({ ...first }, { ...expected, place: NOW * 1_000 });
      assert.deepEqual({ ...(await broker.queueState('doors')) }, { waiting: 3, aside: 0, oldest: NOW });
      assert.deepEqual({ ...(await broker.queueState('other')) }, { waiting: 0, aside: 0, oldest: null });
    });

    test('get a publication that is repeated with its key once', async (t) => {
      const broker = await make(t, still);
      await broker.useQueues([{ name: 'q', from: ['*'], ...ROOM }]);
      for (let n = 0; n < 3; n++) await broker.publish('a', { data: '1', key: 'k' });
      assert.deepEqual(await dataOf(broker, 'q'), ['1']);
    });

    test('are read in pages, of one publication at least, and emptied from the front', async (t) => {
      const broker = await make(t, still);
      await broker.useQueues([{ name: 'q', from: ['*'], ...ROOM }]);
      for (const data of ['"aaaa"', '"bbbb"', '"cccc"']) await broker.publish('a', { data });
      assert.deepEqual(await dataOf(broker, 'q', { limit: 2, bytes: 1_000 }), ['"aaaa"', '"bbbb"']);
      assert.deepEqual(await dataOf(broker, 'q', { limit: 9, bytes: 12 }), ['"aaaa"', '"bbbb"']);
      assert.deepEqual(await dataOf(broker, 'q', { limit: 9, bytes: 1 }), ['"aaaa"']);
      const [, second] = await broker.queued('q', ALL);
      await broker.settle('q', second!.place);
      assert.deepEqual(await dataOf(broker, 'q'), ['"cccc"']);
      await broker.settle('q', second!.place);
      assert.equal((await broker.queueState('q')).waiting, 1);
    });

    test('keep what was set aside, until it is put at the end', async (t) => {
      const broker = await make(t, still);
      await broker.useQueues([{ name: 'q', from: ['*'], ...ROOM }]);
      for (const data of ['1', '2', '3']) await broker.publish('a', { data });
      const [, second, third] = await broker.queued('q', ALL);
      await broker.setAside('q', second!.place, 'no such column');
      await broker.setAside('q', second!.place, 'again');
      assert.deepEqual(await dataOf(broker, 'q'), ['1', '3']);
      assert.deepEqual({ ...(await broker.queueState('q')) }, { waiting: 2, aside: 1, oldest: NOW });
      await broker.settle('q', third!.place);
      await broker.retry('q');
      const [again] = await broker.queued('q', ALL);
      assert.equal(again!.data, '2');
      assert.ok(again!.place > third!.place);
      assert.deepEqual({ ...(await broker.queueState('q')) }, { waiting: 1, aside: 0, oldest: NOW });
    });

    test('list what was set aside with its reason, and put back or drop what is meant of it', async (t) => {
      const broker = await make(t, still);
      await broker.useQueues([{ name: 'q', from: ['*'], ...ROOM }]);
      for (const data of ['1', '2', '3', '4', '5']) await broker.publish('a', { data, meta: '{"user":"ana"}' });
      const all = await broker.queued('q', ALL);
      for (const { place, data } of all) await broker.setAside('q', place, `no ${data}`);
      const listed = await broker.aside('q', ALL);
      assert.deepEqual(
        listed.map((row) => ({ ...row })),
        all.map((row) => ({ ...row, reason: `no ${row.data}` })),
      );
      const asideOf = async (bounds: { limit: number; bytes: number; after?: number } = ALL) =>
        (await broker.aside('q', bounds)).map(({ data }) => data);
      assert.deepEqual(await asideOf({ ...ALL, limit: 2 }), ['1', '2']);
      assert.deepEqual(await asideOf({ ...ALL, after: all[1]!.place }), ['3', '4', '5']);
      assert.deepEqual(await asideOf({ limit: 9, bytes: 1 }), ['1']);
      const places = (...data: string[]) => all.filter((row) => data.includes(row.data)).map(({ place }) => place);
      assert.equal(await broker.drop('q', [...places('2'), 7]), 1);
      assert.equal(await broker.drop('q', places('2')), 0);
      assert.equal(await broker.retry('q', [...places('4', '2'), 7]), 1);
      assert.deepEqual(await asideOf(), ['1', '3', '5']);
      assert.deepEqual(await dataOf(broker, 'q'), ['4']);
      assert.deepEqual({ ...(await broker.queueState('q')) }, { waiting: 1, aside: 3, oldest: NOW });
      assert.equal(await broker.retry('q', []), 0);
      assert.equal(await broker.retry('q'), 3);
      assert.deepEqual(await dataOf(broker, 'q'), ['4', '1', '3', '5']);
      assert.deepEqual(await asideOf(), []);
      assert.deepEqual({ ...(await broker.queueState('q')) }, { waiting: 4, aside: 0, oldest: NOW });
    });

    test('refuse publications that find no room, to their channels only, until there is room', async (t) => {
      const broker = await make(t, still);
      await broker.useQueues([
        { name: 'rows', from: ['a'], rows: 2, bytes: 1_000 },
        { name: 'bytes', from: ['b'], rows: 9, bytes: 4 },
      ]);
      const busy = { code: 'LOG_BUSY' };
      for (const channel of ['a', 'b', 'a', 'b']) await broker.publish(channel, { data: '10' });
      await assert.rejects(broker.publish('a', { data: '3' }), { ...busy, message: /queue rows.*: 2 publications/ });
      await assert.rejects(broker.publish('b', { data: '3' }), busy);
      await broker.publish('c', { data: '3' });
      assert.equal((await broker.state('a')).head, 2, 'the log has nothing that the queue has not');
      for (const queue of ['rows', 'bytes']) {
        const [first] = await broker.queued(queue, ALL);
        await broker.settle(queue, first!.place);
      }
      for (const channel of ['a', 'b']) await broker.publish(channel, { data: '4' });
      assert.deepEqual(await dataOf(broker, 'bytes'), ['10', '4']);
    });

    test('keep what waits while they are not used, and get nothing then', async (t) => {
      const broker = await make(t, still);
      const use = (...names: string[]) => broker.useQueues(names.map((name) => ({ name, from: ['*'], ...ROOM })));
      const store = await use('q');
      await broker.publish('a', { data: '1' });
      assert.equal(await use('r'), store);
      await broker.publish('a', { data: '2' });
      await use('q', 'r');
      await broker.publish('a', { data: '3' });
      assert.deepEqual(await dataOf(broker, 'q'), ['1', '3']);
      assert.deepEqual(await dataOf(broker, 'r'), ['2', '3']);
    });
  });
}

test('the queues of an SQLite file are there after a restart, and give no place twice, although the clock went back', async (t) => {
  const path = join(temporary(t), 'log.db');
  const use = (broker: Queueing) => broker.useQueues([{ name: 'q', from: ['*'], rows: 3, bytes: 1_000 }]);
  const first = await opened(t, sqlite(path, still));
  const store = await use(first);
  for (const data of ['1', '2', '3']) await first.publish('a', { data });
  const places = (await first.queued('q', ALL)).map(({ place }) => place);
  await first.settle('q', places[0]!);
  await first.setAside('q', places[1]!, 'why');
  await first.close();
  const second = await opened(t, sqlite(path, { now: () => NOW - 60_000 }));
  assert.equal(await use(second), store);
  assert.deepEqual({ ...(await second.queueState('q')) }, { waiting: 1, aside: 1, oldest: NOW });
  await second.settle('q', places[2]!);
  await second.publish('a', { data: '4' });
  const [fourth] = await second.queued('q', ALL);
  assert.ok(fourth!.place > places[2]!);
  for (const data of ['5', '6']) await second.publish('a', { data });
  await assert.rejects(second.publish('a', { data: '7' }), { code: 'LOG_BUSY' });
});

test('a transaction that fails leaves the queues of an SQLite file as they were', async (t) => {
  const path = join(temporary(t), 'log.db');
  const broker = await opened(t, sqlite(path, { ...still, bytes: 200_000 }));
  await broker.useQueues([{ name: 'q', from: ['*'], rows: 1_000, bytes: 1 << 30 }]);
  const data = JSON.stringify('x'.repeat(10_000));
  let taken = 0;
  await assert.rejects(
    async () => {
      for (; ; taken++) await broker.publish('a', { data, keep: { size: 0, ttl: 1 } });
    },
    { code: 'LOG_FULL' },
  );
  assert.ok(taken > 0);
  assert.equal((await broker.queueState('q')).waiting, taken);
  assert.equal((await dataOf(broker, 'q')).length, taken);
});
