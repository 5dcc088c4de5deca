import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from '../../src/client/liveness.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** What a Liveness does, each with its time in seconds. Its wall clock may jump while its timers stand still. */
function setUp() {
  const clock = new FakeClock();
  const network = new EventTarget();
  const done: unknown[] = [];
  let jumped = 0;
  const now = () => clock.now() + jumped;
  const note = (what: string) => () => void done.push([clock.now() / 1_000, what]);
  const liveness = new Liveness({
    timers: { now, after: (delay, action) => clock.after(delay, action) },
    network,
    ask: (within) => note(`ask within ${within}`)(),
    wake: note('wake'),
    onPulse: note('pulse'),
  });
  const jump = (milliseconds: number) => {
    jumped += milliseconds;
  };
  const happened = () => done.splice(0);
  return { clock, network, liveness, jump, happened };
}

test('silence for longer than was announced is asked about at the next pulse, and less is not', () => {
  const { clock, liveness, happened } = setUp();
  liveness.ping = 10_000;
  liveness.start();
  clock.advance(14_999);
  assert.deepEqual(happened(), [
    [5, 'pulse'],
    [10, 'pulse'],
  ]);
  liveness.heard();
  clock.advance(10_001);
  assert.deepEqual(happened(), [
    [15, 'pulse'],
    [20, 'pulse'],
    [25, 'ask within 5000'],
    [25, 'pulse'],
  ]);
});

test('by default, 25 seconds of silence are normal, since the server pings as often', () => {
  const { clock, liveness, happened } = setUp();
  liveness.start();
  clock.advance(25_000);
  assert.equal(happened().length, 5);
  clock.advance(5_000);
  assert.deepEqual(happened(), [
    [30, 'ask within 5000'],
    [30, 'pulse'],
  ]);
});

for (const milliseconds of [5_000, 3_600_000, -5_000, -3_600_000])
  test(`a clock that jumps by ${milliseconds} ms looks like sleep: the connection is checked at once, and nothing is late`, () => {
    const { clock, liveness, jump, happened } = setUp();
    liveness.start();
    jump(milliseconds);
    clock.advance(5_000);
    assert.deepEqual(happened(), [
      [5, 'wake'],
      [5, 'ask within 3000'],
    ]);
    liveness.heard();
    clock.advance(5_000);
    assert.deepEqual(happened(), [[10, 'pulse']]);
  });

test('a timer that is a little late does not look like sleep', () => {
  for (const milliseconds of [4_999, -4_999]) {
    const { clock, liveness, jump, happened } = setUp();
    liveness.start();
    jump(milliseconds);
    clock.advance(5_000);
    assert.deepEqual(happened(), [[5, 'pulse']]);
  }
});

test('a network that comes back, and a page that does, are reasons to check at once, until it is stopped', () => {
  const { clock, network, liveness, happened } = setUp();
  const tell = () => {
    for (const event of ['online', 'offline', 'pageshow']) network.dispatchEvent(new Event(event));
  };
  tell();
  assert.deepEqual(happened(), []);
  liveness.start();
  liveness.start();
  tell();
  assert.deepEqual(
    happened(),
    Array(3)
      .fill([
        [0, 'wake'],
        [0, 'ask within 3000'],
      ])
      .flat(),
  );
  assert.equal(clock.pending, 1);
  liveness.stop();
  tell();
  clock.advance(60_000);
  assert.deepEqual([happened(), clock.pending], [[], 0]);
  liveness.start();
  clock.advance(5_000);
  assert.deepEqual(happened(), [[65, 'pulse']]);
});

test('without a network that tells, the pulse is all there is', () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const { now, after } = { now: () => clock.now(), after: clock.after.bind(clock) };
  const options = { ask: (within: number) => asked.push(within), wake() {}, onPulse() {} };
  const liveness = new Liveness({ timers: { now, after }, network: undefined, ...options });
  liveness.start();
  clock.advance(30_000);
  liveness.stop();
  assert.deepEqual([asked, clock.pending], [[5_000], 0]);
});
