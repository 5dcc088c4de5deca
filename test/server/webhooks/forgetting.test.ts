import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FollowUps, Published } from '../../../src/broker/index.ts';
import { Forgetting } from '../../../src/server/webhooks/forgetting.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';

const published = (offset: number): Published => ({ channel: 'a', position: ['e', offset] });

function setUp() {
  const calls: number[][] = [];
  const store = { isAway: false, calls };
  const followUps: FollowUps = {
    async done(publications) {
      calls.push(publications.map(({ position }) => position[1]));
      if (store.isAway) throw new Error('the store is away');
    },
    async finish() {},
  };
  const clock = new FakeClock();
  return { store, clock, forgetting: new Forgetting(followUps, clock) };
}

test('publications that are done in one turn are forgotten by one call, and tried again while the store is away', async () => {
  const { store, clock, forgetting } = setUp();
  for (const offset of [1, 2]) forgetting.add(published(offset));
  await until(() => store.calls.length === 1, 'it is called');
  store.isAway = true;
  forgetting.add(published(3));
  await until(() => store.calls.length === 2, 'it is called again');
  await turn(); // its end is known
  forgetting.add(published(4));
  store.isAway = false;
  clock.advance(1_000);
  await until(() => store.calls.length === 3, 'it is tried again');
  assert.deepEqual(store.calls, [[1, 2], [3], [3, 4]]);
});

test('closing forgets what can be forgotten, and does not wait for a store that is away', async () => {
  const { store, clock, forgetting } = setUp();
  store.isAway = true;
  forgetting.add(published(1));
  await until(() => store.calls.length === 1, 'it is called');
  await forgetting.close();
  clock.advance(10_000);
  assert.deepEqual(store.calls, [[1], [1]]);
});
