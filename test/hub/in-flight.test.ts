import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlight } from '../../src/hub/in-flight.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('all who wait for what is in flight go on when it is done, without waiting for their limits', async () => {
  const clock = new FakeClock();
  const inFlight = new InFlight();
  inFlight.begin();
  const waits = [inFlight.settled(clock, 10_000), inFlight.settled(clock, 20_000), inFlight.settled(clock, 5_000)];
  inFlight.end();
  await Promise.all(waits);
  assert.equal(clock.pending, 0);
});

test('a wait for what never ends goes on after its limit', async () => {
  const clock = new FakeClock();
  const inFlight = new InFlight();
  inFlight.begin();
  const wait = inFlight.settled(clock, 5_000);
  clock.advance(5_000);
  await wait;
});
