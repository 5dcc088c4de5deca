import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, gapBetween, type LogGap, type Page } from '../../../src/broker/broker.ts';
import { Heard } from '../../../src/broker/redis/heard.ts';
import { Told } from '../../../src/broker/redis/told.ts';
import { Watchers } from '../../../src/broker/watchers.ts';
import type { Position } from '../../../src/protocol/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { turn } from '../../support/turn.ts';

const entry = (offset: number): Entry => ({ offset, time: 0, data: `${offset}`, meta: null });
const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at));

/** A log, and what listeners are told of it. Reading waits until the test lets it. */
function setUp() {
  const log = { epoch: 'one', oldest: 1, head: 0, before: '', headThen: 0 };
  const heard: string[] = [];
  const watchers = new Watchers((error) => {
    throw error;
  });
  watchers.add('a', (_, epoch, all) => {
    for (const { offset } of all) heard.push(`${epoch} ${offset}`);
  });
  const told = new Heard(watchers);
  told.begin('a', 'one', 0);
  const state = { isAway: false, reads: [] as Position[] };
  const read = async (_: string, after: Position): Promise<Page | LogGap> => {
    state.reads.push(after);
    await turn();
    if (state.isAway) throw new Error('the store is away');
    const gap = gapBetween(after, log);
    if (!gap) return { epoch: log.epoch, oldest: log.oldest, head: log.head, entries: entries(after[1] + 1, log.head) };
    return after[0] === log.before ? { ...gap, continues: Math.min(after[1], log.headThen) } : gap;
  };
  const all = new Told({
    clock: new FakeClock(),
    heard: told,
    isListening: () => true,
    isHearing: () => true,
    read,
    withOrigins: (_channel, _epoch, all) => all,
  });
  const settled = async () => {
    for (let n = 0; n < 10; n++) await turn();
  };
  return { log, heard, told: all, state, settled };
}

test('a publication after lost announcements is delivered after those, which are read from the log', async () => {
  const { log, heard, told, settled } = setUp();
  told.tell('a', 'one', entries(1, 2));
  log.head = 6;
  told.tell('a', 'one', [entry(5)]);
  told.tell('a', 'one', [entry(6)]);
  assert.deepEqual(heard, ['one 1', 'one 2']);
  await settled();
  assert.deepEqual(
    heard,
    entries(1, 6).map(({ offset }) => `one ${offset}`),
  );
});

test('a log that goes on under another epoch is delivered from where the listeners were', async () => {
  const { log, heard, told, settled } = setUp();
  told.tell('a', 'one', entries(1, 3));
  Object.assign(log, { epoch: 'two', head: 6, before: 'one', headThen: 4 });
  told.tell('a', 'two', [entry(6)]);
  await settled();
  assert.deepEqual(heard, ['one 1', 'one 2', 'one 3', 'two 4', 'two 5', 'two 6']);
});

test('a late announcement of the previous epoch is not delivered again', async () => {
  const { log, heard, told, settled } = setUp();
  told.tell('a', 'one', entries(1, 3));
  Object.assign(log, { epoch: 'two', head: 5, before: 'one', headThen: 4 });
  told.tell('a', 'two', [entry(5)]);
  await settled();
  told.tell('a', 'one', [entry(4)]);
  await settled();
  told.tell('a', 'two', [entry(6)]);
  assert.deepEqual(heard, ['one 1', 'one 2', 'one 3', 'two 4', 'two 5', 'two 6']);
});

test('when the log lacks the lost ones, or cannot be read, the listeners see that something is missing', async () => {
  const { log, heard, told, state, settled } = setUp();
  told.tell('a', 'one', [entry(1)]);
  Object.assign(log, { oldest: 4, head: 5 });
  told.tell('a', 'one', [entry(5)]);
  await settled();
  assert.deepEqual(heard, ['one 1', 'one 4', 'one 5']);
  // A log that keeps nothing.
  Object.assign(log, { oldest: 9, head: 8 });
  told.tell('a', 'one', [entry(8)]);
  await settled();
  state.isAway = true;
  told.tell('a', 'one', [entry(10)]);
  await settled();
  assert.deepEqual(heard.slice(3), ['one 8', 'one 10']);
});

test('a log that starts again is delivered as announced, and the first publication of a log reads nothing', async () => {
  const { log, heard, told, state, settled } = setUp();
  log.head = 2;
  told.tell('a', 'one', entries(1, 2));
  assert.deepEqual(state.reads, []);
  Object.assign(log, { epoch: 'new', head: 3 });
  told.tell('a', 'new', [entry(2)]);
  told.tell('a', 'new', [entry(3)]);
  await settled();
  assert.deepEqual(heard, ['one 1', 'one 2', 'new 2', 'new 3']);
});
