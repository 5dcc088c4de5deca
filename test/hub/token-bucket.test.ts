import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../src/hub/token-bucket.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('the rate is allowed per second, and as many at once as were saved up', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 10, 20);
  assert.equal(bucket.take(20), 0);
  assert.equal(bucket.take(), 100);
  clock.advance(100);
  assert.equal(bucket.take(), 0);
  assert.equal(bucket.take(5), 500);
  clock.advance(60_000);
  assert.equal(bucket.take(20), 0, 'no more than the burst is saved up');
  assert.equal(bucket.take(), 100);
});

test('an amount over the burst is allowed when the bucket is full, and is owed in full', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 10, 20);
  assert.equal(bucket.take(), 0);
  assert.equal(bucket.take(50), 100, 'there are 19');
  clock.advance(100);
  assert.equal(bucket.take(50), 0);
  assert.equal(bucket.take(), 3_100, '30 are owed');
  clock.advance(3_000);
  assert.equal(bucket.take(), 100);
  clock.advance(100);
  assert.equal(bucket.take(), 0);
});

test('each caller that has to wait gets a later turn, and turns that are over are free again', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 10, 20);
  assert.equal(bucket.takeTurn(20), 0);
  assert.deepEqual([bucket.takeTurn(), bucket.takeTurn(2), bucket.takeTurn()], [100, 300, 400]);
  // In 200 ms two of the four have come: those who return at their turn find it, and the next comes after the rest.
  clock.advance(200);
  assert.equal(bucket.take(2), 0);
  assert.equal(bucket.takeTurn(), 300);
  assert.equal(bucket.promised, 3);
  clock.advance(60_000);
  assert.equal(bucket.promised, 0);
  assert.deepEqual([bucket.take(20), bucket.takeTurn(), bucket.takeTurn()], [0, 100, 200]);
});
