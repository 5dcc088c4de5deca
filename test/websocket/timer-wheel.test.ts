import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilDue, type Vitals, whatIsDue } from '../../src/websocket/heartbeat.ts';
import { type Timed, TimerWheel, tickFor } from '../../src/websocket/timer-wheel.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TICK = 100;

function setUp() {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, TICK);
  /** An item that notes when its deadlines came. */
  const item = (...next: number[]) => {
    const times: number[] = [];
    const timed: Timed = {
      slot: null,
      due: 0,
      onDeadline() {
        times.push(clock.now());
        return next.shift() ?? 0;
      },
    };
    return { timed, times };
  };
  return { clock, wheel, item };
}

test('a deadline comes on time or up to a tick early, in the first turn of the wheel and in later ones', () => {
  const { clock, wheel, item } = setUp();
  // The wheel has 256 slots: 25.6 seconds a turn.
  const asked = [0, 1, 99, 100, 199, 200, 25_500, 25_600, 25_700, 51_200, 100_050];
  const items = asked.map((milliseconds) => {
    const { timed, times } = item();
    wheel.schedule(timed, milliseconds);
    return times;
  });
  clock.advance(200_000);
  const told = [100, 100, 100, 100, 100, 200, 25_500, 25_600, 25_700, 51_200, 100_000];
  assert.deepEqual(
    items,
    told.map((time) => [time]),
  );
});

test('an item has one deadline: a later request replaces it, and what onDeadline returns is the next', () => {
  const { clock, wheel, item } = setUp();
  const { timed, times } = item(300, 1, 0);
  wheel.schedule(timed, 500);
  wheel.schedule(timed, 1_000);
  clock.advance(2_000);
  assert.deepEqual([times, clock.pending], [[1_000, 1_300, 1_400], 0]);
});

test('an item that is cancelled is not kept', () => {
  const { wheel, item } = setUp();
  const { timed } = item();
  wheel.schedule(timed, 200);
  const { slot } = timed;
  assert.equal(slot!.size, 1);
  wheel.cancel(timed);
  assert.equal(slot!.size, 0);
});

test('an item that another cancels in the same tick is not called', () => {
  const { clock, wheel, item } = setUp();
  const other = item();
  const first: Timed = {
    slot: null,
    due: 0,
    onDeadline() {
      wheel.cancel(other.timed);
      return 0;
    },
  };
  wheel.schedule(first, 200);
  wheel.schedule(other.timed, 200);
  clock.advance(1_000);
  assert.deepEqual(other.times, []);
});

test('the timer runs only while something waits', () => {
  const { clock, wheel, item } = setUp();
  const [one, two] = [item(), item()];
  assert.equal(clock.pending, 0);
  wheel.schedule(one.timed, 200);
  wheel.schedule(two.timed, 300);
  wheel.cancel(item().timed);
  assert.equal(clock.pending, 1);
  clock.advance(200);
  assert.equal(clock.pending, 1);
  wheel.cancel(two.timed);
  clock.advance(TICK);
  assert.deepEqual([clock.pending, one.times, two.times], [0, [200], []]);
  wheel.schedule(two.timed, 200);
  clock.advance(200);
  assert.deepEqual([clock.pending, two.times], [0, [500]]);
});

test('the tick is an eighth of the shortest time, from 5 milliseconds to half a second', () => {
  const ticks = [[20], [40], [48, 0], [1, 2_000], [0, 2_000, 800], [4_008], [30_000, 15_000, 0, 30_000], [0, 0]];
  assert.deepEqual(
    ticks.map((times) => tickFor(...times)),
    [5, 5, 6, 5, 100, 500, 500, 500],
  );
});

/** All combinations of a few values of each field. */
function* cases() {
  const times = [0, 1, 100, 199, 700];
  for (const pingInterval of times)
    for (const pongTimeout of times.slice(1))
      for (const idleTimeout of times)
        for (const heardAt of [0, 3, 5])
          for (const messageAt of [0, 3, 5])
            for (const pingedAt of [-1, 0, 4])
              yield [
                { pingInterval, pongTimeout, idleTimeout },
                { heardAt, messageAt, pingedAt },
              ] as const;
}

test('a connection has something due exactly at the time that it was given, and nothing before', () => {
  for (const [limits, vitals] of cases()) {
    const wheel = new TimerWheel(new FakeClock(), TICK);
    const about = JSON.stringify({ limits, vitals });
    wheel.now = 5;
    const [due, wait] = [whatIsDue(vitals, wheel, limits), untilDue(vitals, wheel, limits)];
    if (due !== 'nothing') {
      // What is overdue is done in the next tick.
      assert.equal(wait, TICK, about);
      continue;
    }
    const ticks = wait / TICK;
    for (let n = 1; n < (ticks || 1_000); n++) {
      wheel.now = 5 + n;
      assert.equal(whatIsDue(vitals, wheel, limits), 'nothing', about);
    }
    wheel.now = 5 + ticks;
    if (ticks > 0) assert.match(whatIsDue(vitals, wheel, limits), /^(?:ping|lost|idle)$/, about);
  }
});

test('silence of exactly the limit is too long: first a ping, then the end; a time of 0 never is', () => {
  const wheel = new TimerWheel(new FakeClock(), TICK);
  const limits = { pingInterval: 300, pongTimeout: 200, idleTimeout: 900 };
  const due = (now: number, vitals: Partial<Vitals>, times: Partial<typeof limits> = {}) => {
    wheel.now = now;
    return whatIsDue({ heardAt: 0, messageAt: 0, pingedAt: -1, ...vitals }, wheel, { ...limits, ...times });
  };
  assert.deepEqual([due(2, {}), due(3, {}), due(3, {}, { pingInterval: 0 })], ['nothing', 'ping', 'nothing']);
  assert.deepEqual([due(4, { pingedAt: 3 }), due(5, { pingedAt: 3 })], ['nothing', 'lost']);
  assert.deepEqual([due(2, { pingedAt: 0 }), due(1, { pingedAt: 0 })], ['lost', 'nothing']);
  const heard = { heardAt: 8 };
  assert.deepEqual([due(8, heard), due(9, heard), due(9, heard, { idleTimeout: 0 })], ['nothing', 'idle', 'nothing']);
});
