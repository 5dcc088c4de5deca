import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Broker, memory, type Queueing } from '../../../src/broker/index.ts';
import type { Clock } from '../../../src/clock.ts';
import type { ZocaloError } from '../../../src/errors.ts';
import type { Session } from '../../../src/sources/databases/index.ts';
import { rowTemplate, SinkWriter, Table } from '../../../src/sources/sinks/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { FAKE_TEXTS, FakeTable, type Loss } from './fake-table.ts';

const OPTIONS = { address: 'mysql://h/shop', table: 'accesses', columns: ['value'], sink: 's', store: 'x' };

/** Time that passes at once. */
const hurried: Clock = {
  now: () => 0,
  after(_, action) {
    const timer = setImmediate(action);
    return () => clearImmediate(timer);
  },
  every: () => () => {},
};

async function queueIn(t: Pick<TestContext, 'after'>) {
  const broker = memory();
  await broker.open();
  t.after(() => broker.close());
  await broker.useQueues([{ name: 's', from: ['*'], rows: 10_000, bytes: 1 << 30 }]);
  return broker;
}

interface Setting {
  readonly broker: Broker & Queueing;
  readonly connect: () => Session;
  readonly clock?: Clock;
  readonly onFailed?: (error: ZocaloError, pause: number) => void;
  readonly onAside?: (error: ZocaloError) => void;
}

function writerOf({ broker, connect, clock = hurried, onFailed = () => {}, onAside = () => {} }: Setting) {
  return new SinkWriter({
    name: 's',
    queue: {
      page: (bounds) => broker.queued('s', bounds),
      settle: (upTo) => broker.settle('s', upTo),
      setAside: (place, reason) => broker.setAside('s', place, reason),
      state: () => broker.queueState('s'),
    },
    row: rowTemplate({ value: '{data}' }),
    open: async () => {
      const table = new Table(connect(), FAKE_TEXTS, OPTIONS);
      await table.open();
      return table;
    },
    clock,
    now: () => 5_000,
    random: () => 0.5,
    onFailed,
    onBusy: () => {},
    onRecovered: () => {},
    onAside,
  });
}

test('each publication is a row once and in order, wherever connections are lost, writers die and rows are refused', async (t) => {
  const loss = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Loss>(undefined) },
    { weight: 2, arbitrary: fc.constantFrom<Loss>('before', 'after') },
  );
  const published = fc.record({ channel: fc.constantFrom('a', 'b'), isBad: fc.integer({ max: 5, min: 0 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(published, { minLength: 1, maxLength: 40 }),
      fc.array(loss, { minLength: 20, maxLength: 100 }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      async (publications, losses, deaths) => {
        const broker = await queueIn(t);
        const table = new FakeTable();
        const left = [...losses];
        const aside: ZocaloError[] = [];
        const begin = () => {
          const writer = writerOf({
            broker,
            connect: () =>
              table.connect(
                () => left.shift(),
                (value) => String(value).startsWith('bad'),
              ),
            onAside: (error) => void aside.push(error),
          });
          writer.start();
          return writer;
        };
        let writer = begin();
        const expected: string[] = [];
        for (const [at, { channel, isBad }] of publications.entries()) {
          const text = `${isBad === 0 ? 'bad' : 'good'} ${at}`;
          if (isBad !== 0) expected.push(text);
          await broker.publish(channel, { data: JSON.stringify(text) });
          writer.wake();
          if (!deaths.includes(at)) continue;
          await writer.stop();
          writer = begin();
        }
        await until(async () => (await broker.queueState('s')).waiting === 0, 'the queue was empty');
        await writer.stop();
        assert.deepEqual(table.rows, expected);
        assert.equal((await broker.queueState('s')).aside, publications.length - expected.length);
        assert.equal(aside.length, publications.length - expected.length);
        await broker.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a COMMIT that was done but not answered is not done again, and one that was not done is', async (t) => {
  for (const loss of ['before', 'after'] as const) {
    const broker = await queueIn(t);
    const table = new FakeTable();
    let isLost = false;
    const lose = (text: string): Loss => {
      if (text !== 'commit' || isLost) return undefined;
      isLost = true;
      return loss;
    };
    for (const data of ['"1"', '"2"']) await broker.publish('a', { data });
    const writer = writerOf({ broker, connect: () => table.connect(lose, () => false) });
    writer.start();
    await until(async () => (await broker.queueState('s')).waiting === 0, 'the queue was empty');
    await writer.stop();
    assert.deepEqual([isLost, table.rows], [true, ['1', '2']], loss);
  }
});

test('a database that fails is tried again after pauses that double up to half a minute, and the status says so', async (t) => {
  const broker = await queueIn(t);
  const clock = new FakeClock();
  const pauses: number[] = [];
  const table = new FakeTable();
  let isDown = true;
  const writer = writerOf({
    broker,
    clock,
    connect: () =>
      table.connect(
        () => (isDown ? 'before' : undefined),
        () => false,
      ),
    onFailed: (_, pause) => void pauses.push(pause),
  });
  t.after(() => writer.stop());
  await broker.publish('a', { data: '"x"' });
  writer.start();
  for (let count = 1; count <= 9; count++) {
    await until(() => pauses.length === count, `it failed ${count} times`);
    writer.wake();
    if (count < 9) clock.advance(pauses.at(-1)!);
  }
  assert.deepEqual(
    pauses,
    [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map((longest) => longest * 0.75),
  );
  const { error, waiting, failures } = writer.status;
  assert.deepEqual([error?.code, waiting, failures], ['DATABASE_UNREACHABLE', 1, 9]);
  isDown = false;
  clock.advance(pauses.at(-1)!);
  await until(() => table.rows.length === 1, 'it was written');
  await until(() => writer.status.error === undefined && writer.status.waiting === 0, 'the status was well');
  assert.equal(writer.status.written, 1);
});

test('closing writes what waits, but not to a database that fails', async (t) => {
  const broker = await queueIn(t);
  const table = new FakeTable();
  const writer = writerOf({
    broker,
    connect: () =>
      table.connect(
        () => undefined,
        () => false,
      ),
  });
  writer.start();
  for (let n = 0; n < 1_200; n++) await broker.publish('a', { data: `"${n}"` });
  await writer.close(60_000);
  assert.equal(table.rows.length, 1_200);
  await broker.publish('a', { data: '"late"' });
  const failing = writerOf({
    broker,
    connect: () =>
      table.connect(
        () => 'before',
        () => false,
      ),
  });
  failing.start();
  await failing.close(60_000);
  assert.equal((await broker.queueState('s')).waiting, 1);
});
