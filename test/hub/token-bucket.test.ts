import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../src/hub/token-bucket.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('so many a second are allowed, and as many at once as have been saved up', () => {
  const clock = new FakeClock();
  const allowance = new TokenBucket(clock, 10, 20);
  assert.equal(allowance.take(20), 0);
  assert.equal(allowance.take(), 100);
  clock.advance(100);
  assert.equal(allowance.take(), 0);
  assert.equal(allowance.take(5), 500);
  clock.advance(60_000);
  assert.equal(allowance.take(20), 0, 'no more than the burst is saved up');
  assert.equal(allowance.take(), 100);
});

test('what is more than the burst is allowed when all of that is there, and is owed in full', () => {
  const clock = new FakeClock();
  const allowance = new TokenBucket(clock, 10, 20);
  assert.equal(allowance.take(), 0);
  assert.equal(allowance.take(50), 100, 'there are 19');
  clock.advance(100);
  assert.equal(allowance.take(50), 0);
  assert.equal(allowance.take(), 3_100, '30 are owed');
  clock.advance(3_000);
  assert.equal(allowance.take(), 100);
  clock.advance(100);
  assert.equal(allowance.take(), 0);
});
