import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agedBy, futureAt, LogTime, stampAfter } from '../../src/broker/log-time.ts';
import { FakeClock } from '../support/fake-clock.ts';

const START = 1_800_000_000_000;
const [SECOND, MINUTE] = [1_000, 60_000];

/** A time whose wall clock can be set; it runs on with the steady one. */
function setUp(newest?: number | null) {
  const clock = new FakeClock();
  let ahead = START;
  const time = new LogTime(() => ahead + clock.now(), clock);
  clock.advance(5 * SECOND);
  time.begin(newest);
  /** The wall clock is set forward by so much, after a while; then, in minutes: its lead over the trusted time. */
  const step = (milliseconds: number, after = SECOND) => {
    clock.advance(after);
    ahead += milliseconds;
    return lead();
  };
  const lead = () => {
    const { now, sure } = time.look();
    assert.equal(now, ahead + clock.now());
    return now - sure;
  };
  return { clock, time, step, lead };
}

test('a clock that is corrected by up to a minute is trusted at once', () => {
  const { time, step } = setUp();
  const { since } = time;
  assert.deepEqual([step(MINUTE), step(-MINUTE), step(SECOND), step(0), time.since], [0, 0, 0, 0, since]);
});

test('a step forward of more than a minute counts for no age until it has lasted ten minutes', () => {
  const { clock, step, lead } = setUp();
  assert.equal(step(MINUTE + 1), MINUTE + 1);
  clock.advance(10 * MINUTE - 1);
  assert.equal(lead(), MINUTE + 1);
  clock.advance(1);
  assert.equal(lead(), 0);
});

test('steps forward add up, and each restarts the ten minutes; one that is taken back is forgotten', () => {
  const { clock, step, lead } = setUp();
  assert.deepEqual([step(2 * MINUTE), step(3 * MINUTE, 9 * MINUTE)], [2 * MINUTE, 5 * MINUTE]);
  clock.advance(9 * MINUTE);
  assert.equal(lead(), 5 * MINUTE);
  assert.deepEqual([step(-3 * MINUTE), step(-2 * MINUTE), step(2 * MINUTE)], [2 * MINUTE, 0, 2 * MINUTE]);
  // What is left of it is no more than a clock may be off.
  assert.equal(step(-MINUTE - 1), 0);
});

test('a step back of more than a minute is noted: later times count as the time of the step', () => {
  const { time, step } = setUp();
  assert.deepEqual([step(-MINUTE), time.since], [0, START + 5 * SECOND]);
  assert.equal(step(-MINUTE - 1), 0);
  const { now, since } = time.look();
  assert.equal(since, now);
  assert.equal(step(5 * MINUTE), 5 * MINUTE);
  assert.equal(time.since, since);
});

test('the downtime before a start is in doubt as well, unless it was short or is unknown', () => {
  for (const [newest, lead] of [
    [undefined, 0],
    [null, 0],
    [START + 5 * SECOND, 0],
    [START + 5 * SECOND - MINUTE, 0],
    [START + 5 * SECOND - MINUTE - 1, MINUTE + 1],
    [START + 3_600_000, 0],
  ] as const) {
    const { clock, time, lead: leadOf } = setUp(newest);
    assert.deepEqual([time.now, time.since], [START + 5 * SECOND, START + 5 * SECOND]);
    clock.advance(SECOND);
    assert.equal(leadOf(), lead, String(newest));
    clock.advance(10 * MINUTE - SECOND - 1);
    assert.equal(leadOf(), lead, String(newest));
    clock.advance(1);
    assert.equal(leadOf(), 0, String(newest));
  }
});

test('a time more than a minute ahead is from the future, and ages from when the clock went back', () => {
  const moment = { now: 10 * MINUTE, sure: 0, since: 7 };
  assert.deepEqual([agedBy(11 * MINUTE, moment), agedBy(11 * MINUTE + 1, moment)], [11 * MINUTE, 7]);
  assert.deepEqual([agedBy(0, moment), futureAt(10 * MINUTE)], [0, 11 * MINUTE]);
});

test('times in a log do not go back, unless the clock was really set back', () => {
  assert.deepEqual([stampAfter(0, 5), stampAfter(5, 5), stampAfter(6, 5)], [5, 5, 6]);
  assert.deepEqual([stampAfter(5 + MINUTE, 5), stampAfter(6 + MINUTE, 5)], [5 + MINUTE, 5]);
});
