import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transaction } from './transaction.ts';
import { violationsOf } from './verdict.ts';

const transaction = (begun: number, ended: number, ...ids: string[]): Transaction => ({
  begun,
  ended,
  rows: ids.map((id) => ({ id, channel: 'c' })),
});
const first = transaction(1, 3, 'a', 'b');
const beside = transaction(2, 5, 'x');
const second = transaction(4, 6, 'd');
const judge = (...ids: string[]) => violationsOf([first, beside, second], new Map([['c', ids]]));

test('rows of transactions that overlapped may stand in any order', () => {
  for (const ids of ['a b x d', 'x a b d', 'a x b d', 'a b d x']) assert.deepEqual(judge(...ids.split(' ')), []);
});

test('a row that is lost, repeated, foreign or out of order is a violation', () => {
  const cases = {
    'a x d': ['c: b was committed and is not there'],
    'a b x b d': ['c: b is there 2 times'],
    'a b x d e': ['c: e was never committed'],
    'b a x d': ['c: a follows b of its own transaction'],
    'a d b x': ['c: b was committed before d was begun, and follows it'],
  };
  for (const [ids, violations] of Object.entries(cases)) assert.deepEqual(judge(...ids.split(' ')), violations, ids);
});

test('a row in the log of another channel is a violation', () => {
  assert.deepEqual(violationsOf([transaction(1, 2, 'a')], new Map([['d', ['a']]])), ['d: a belongs to c']);
});
