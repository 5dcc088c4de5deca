import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Published } from './oracle.ts';
import { Witness } from './witness.ts';

const word = (id: string) => ({ id, size: 0, pad: '' });

/** Three acknowledged publications, one whose fate nobody knows, and a reader who was there from the start. */
function scene(offsets: readonly number[], ids = ['', 'a', 'b', 'c', 'd']) {
  const published: Published[] = ['a', 'b', 'c'].map((id, index) => ({
    id,
    publisher: 'ana',
    channel: 'short',
    at: ['e1', index + 1],
  }));
  published.push({ id: 'd', publisher: 'luis', channel: 'short' });
  const witness = new Witness('eva', 'short');
  witness.begin(['e1', 0]);
  for (const offset of offsets) witness.message(['e1', offset], word(ids[offset]!));
  return { published, witness, judge: () => judge(published, [witness]) };
}

test('the oracle accepts a run in which everything acknowledged came once and in order', () => {
  assert.deepEqual(scene([1, 2, 3]).judge(), {
    violations: [],
    messages: 3,
    unacknowledged: 1,
    texts: 0,
    duplicates: 0,
    losses: 0,
    gaps: 0,
  });
});

test('the oracle accepts unacknowledged publications that come, once', () => {
  assert.deepEqual(scene([1, 2, 3, 4]).judge().violations, []);
  const twice = scene([1, 2, 3, 4, 5], ['', 'a', 'b', 'c', 'd', 'd']).judge();
  assert.equal(twice.duplicates, 1);
  assert.match(twice.violations.join(), /d stands at short 5 and at short 4/);
});

test('the oracle finds messages missing at the end and in the middle', () => {
  assert.equal(scene([1, 2]).judge().losses, 1);
  const { violations, losses } = scene([1, 3]).judge();
  assert.equal(losses, 1);
  assert.match(violations.join(), /3 came after 1, without a word/);
});

test('the oracle finds duplicates and late messages', () => {
  assert.equal(scene([1, 2, 2, 3]).judge().duplicates, 1);
  const { violations } = scene([1, 3, 2]).judge();
  assert.match(violations.join(), /2 \(b\) came again, or late, after 3/);
});

test('the oracle accepts a gap only where the log has lost something', () => {
  const { witness, judge: verdict } = scene([1]);
  witness.gap({ have: ['e1', 1], oldest: 4, head: 3, epoch: 'e1' });
  assert.deepEqual(verdict().violations, []);
  const needless = scene([1]);
  needless.witness.gap({ have: ['e1', 1], oldest: 2, head: 3, epoch: 'e1' });
  assert.match(needless.judge().violations.join(), /a gap after 1, though the log has all from 2/);
});

test('the oracle finds a wrong text at a position, another epoch, and a publisher out of order', () => {
  assert.match(scene([1, 2, 3], ['', 'a', 'c', 'b']).judge().violations.join(), /short 2 is c, and elsewhere b/);
  const { witness, published, judge: verdict } = scene([1, 2, 3]);
  witness.message(['e2', 4], word('d'));
  assert.match(verdict().violations.join(), /the epoch became e2/);
  published.reverse();
  assert.match(verdict().violations.join(), /b at 2 was overtaken by one at 3/);
});

test('the oracle finds a hole within one connection without positions, but not between two', () => {
  const { published, witness } = scene([1, 2, 3]);
  const judged = (...stretches: string[][]) =>
    judge(published, [witness], [], {
      listeners: [{ name: 'text', channel: 'short', stretches, complaints: [] }],
      sent: [],
    }).violations.join();
  assert.equal(judged(['a', 'b'], [], ['c']), '');
  assert.equal(judged(['a'], ['c']), '');
  assert.match(judged(['a', 'c']), /c at 3 came after 1, on one connection/);
  assert.match(judged(['b', 'a']), /a at 1 came after 2/);
  assert.match(judged(['a', 'a']), /a at 1 came after 1/);
  assert.match(judged(['z']), /z stands nowhere/);
});

test('the oracle accepts one cut line for each connection of lines, and no more', () => {
  const { published, witness } = scene([1, 2, 3]);
  witness.message(['e1', 4], '{"id":"lin');
  const judged = (...sent: string[][]) => judge(published, [witness], [], { listeners: [], sent }).violations.join();
  assert.equal(judged(['x']), '');
  assert.match(judged(), /1 parts of lines, of 0 connections/);
});

test('the oracle requires every text of a connection that stayed open', () => {
  const { published, witness } = scene([1, 2, 3]);
  const judged = (...whole: string[][]) => judge(published, [witness], [], { listeners: [], sent: [], whole });
  assert.deepEqual(judged(['a', 'b']).violations, []);
  const { violations, losses } = judged(['a', 'y', 'z']);
  assert.equal(losses, 2);
  assert.match(violations.join(), /of the 3 texts a to z, 2 are nowhere/);
});

test('the oracle accepts lost webhook events for each kill, and no more', () => {
  const { published, witness } = scene([1, 2, 3]);
  const judged = (offsets: readonly number[], kills: number) => {
    const seen = new Map(offsets.map((offset) => [offset, ['', 'a', 'b', 'c'][offset]!]));
    const informed = [{ name: 'webhook', channel: 'short', seen, complaints: [], kills }];
    return judge(published, [witness], [], { listeners: [], sent: [], informed }).violations.join();
  };
  assert.equal(judged([1, 2, 3], 0), '');
  assert.equal(judged([3], 1), '');
  assert.match(judged([3], 0), /1 holes, after 0 kills, at 1 of short/);
  assert.match(judged([2], 1), /2 holes/);
});

test('the oracle finds a hole in the accepted lines of one connection, but accepts missing lines at its end', () => {
  const { published, witness } = scene([1, 2, 3]);
  const judged = (...sent: string[][]) => judge(published, [witness], [], { listeners: [], sent }).violations.join();
  assert.equal(judged(['a', 'b', 'y', 'z'], ['c'], ['x']), '');
  assert.match(judged(['a', 'x', 'b']), /only a b were stored/);
  assert.match(judged(['b', 'a']), /out of their order/);
});
