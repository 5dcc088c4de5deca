import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('a condition that holds already is not waited for, and one that becomes true is', async () => {
  await until(() => true, 'it holds', 0);
  let turns = 0;
  await until(() => ++turns === 3, 'three turns are over');
  await until(async () => ++turns === 5, 'two more are over');
  assert.equal(turns, 5);
});

test('a condition that never becomes true is named', async () => {
  await assert.rejects(
    until(() => false, 'pigs fly', 0),
    /^Error: it never came that pigs fly$/,
  );
});
