import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { browserTimers } from '../src/client/reconnecting-socket.ts';
import { systemClock } from '../src/clock.ts';
import { fakeHostTimers } from './support/host-timers.ts';

const DAY = 86_400_000;
/** Up to a hundred years, and often close to what one timer keeps. */
const delays = fc.oneof(
  fc.integer({ min: 1, max: 36_500 * DAY }),
  fc.integer({ min: 2 ** 31 - 3, max: 2 ** 31 + 3 }),
  fc.integer({ min: 1, max: 60 * DAY }),
);

function property<T>(t: TestContext, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  const seed = Date.now() | 0;
  t.diagnostic(`seed ${seed}`);
  fc.assert(fc.property(arbitrary, holds), { seed, numRuns: 200 });
}

for (const [name, clock] of [
  ['of the system', systemClock],
  ['of the SDK', browserTimers],
] as const)
  test(`the clock ${name} waits as long as requested, even for years`, (t) => {
    const host = fakeHostTimers(t);
    property(t, delays, (delay) => {
      const begun = host.now();
      let fired: number[] = [];
      clock.after(delay, () => fired.push(host.now() - begun));
      host.advance(delay - 1);
      assert.deepEqual(fired, []);
      host.advance(1);
      assert.deepEqual(fired, [delay]);
      fired = [];
      host.advance(DAY);
      assert.deepEqual(fired, []);
      assert.equal(host.pending, 0);
    });
  });

test('a cancelled action does not run, at any point of the wait, and leaves no timer', (t) => {
  const host = fakeHostTimers(t);
  property(t, fc.tuple(delays, fc.double({ min: 0, max: 0.999, noNaN: true })), ([delay, share]) => {
    const cancel = systemClock.after(delay, () => assert.fail('it came'));
    host.advance(Math.floor(delay * share));
    cancel();
    assert.equal(host.pending, 0);
    host.advance(delay);
  });
});

test('a repeated action runs at each period, even of months, until it is stopped', (t) => {
  const host = fakeHostTimers(t);
  property(t, delays, (period) => {
    const begun = host.now();
    const came: number[] = [];
    const stop = systemClock.every(period, () => came.push(host.now() - begun));
    // Parts of a period may be no whole milliseconds: one for each may add up.
    const slack = Math.min(3 + period / 2 ** 29, period / 2);
    host.advance(period * 3 + slack);
    stop();
    assert.equal(came.length, 3);
    for (const [index, at] of came.entries()) assert.ok(Math.abs(at - period * (index + 1)) <= slack, `${at}`);
    assert.equal(host.pending, 0);
  });
});

test('an infinite wait never ends, and does not spin', (t) => {
  const host = fakeHostTimers(t);
  const cancel = systemClock.after(Number.POSITIVE_INFINITY, () => assert.fail('it came'));
  host.advance(1_000 * 365 * DAY);
  assert.equal(host.pending, 1);
  cancel();
});
