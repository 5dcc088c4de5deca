import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('what holds already is not waited for, and what comes to hold is', async () => {
  await until(() => true, 'it holds', 0);
  let turns = 0;
  await until(() => ++turns === 3, 'three turns are over');
  await until(async () => ++turns === 5, 'two more are over');
  assert.equal(turns, 5);
});

test('what never comes is named', async () => {
  await assert.rejects(
    until(() => false, 'pigs fly', 0),
    /^Error: it never came that pigs fly$/,
  );
});
