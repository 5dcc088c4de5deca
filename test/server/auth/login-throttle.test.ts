import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginThrottle } from '../../../src/server/auth/login-throttle.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function setUp(free: number) {
  const clock = new FakeClock();
  const throttle = new LoginThrottle(clock, free);
  const fail = (who: string, times = 1) => {
    for (let n = 0; n < times; n++) throttle.add(who);
  };
  return { clock, throttle, fail };
}

test('attempts that were no failures count no more than if they had not been made', () => {
  const { throttle, fail } = setUp(2);
  throttle.takeBack('nobody');
  fail('ana', 2);
  assert.equal(throttle.pauseOf('ana'), 1_000);
  throttle.takeBack('ana');
  assert.equal(throttle.pauseOf('ana'), 0);
  throttle.takeBack('ana');
  throttle.takeBack('ana');
  fail('ana', 1);
  assert.equal(throttle.pauseOf('ana'), 0);
  fail('ana', 1);
  assert.equal(throttle.pauseOf('ana'), 1_000);
  throttle.forget('ana');
  assert.equal(throttle.pauseOf('ana'), 0);
});

test('ten thousand names are remembered, and the one that failed longest ago is forgotten for another', () => {
  const { throttle, fail } = setUp(1);
  for (let n = 0; n < 10_000; n++) fail(`${n}`);
  assert.deepEqual([throttle.pauseOf('0'), throttle.pauseOf('1'), throttle.pauseOf('9999')], [1_000, 1_000, 1_000]);
  fail('0');
  assert.deepEqual([throttle.pauseOf('0'), throttle.pauseOf('1')], [2_000, 1_000]);
  fail('another');
  assert.deepEqual([throttle.pauseOf('0'), throttle.pauseOf('1'), throttle.pauseOf('2')], [2_000, 0, 1_000]);
  // A name whose only attempt was taken back makes room.
  throttle.takeBack('another');
  fail('and another');
  assert.equal(throttle.pauseOf('2'), 1_000);
});
