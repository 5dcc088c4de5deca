import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../src/nodes/redis/copy.ts';
import { Holding, type Saying } from '../../../src/nodes/redis/holding.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { settle } from '../../support/turn.ts';

test('who closes waits until what is being said was said, also what came meanwhile', async () => {
  const clock = new FakeClock();
  const said: (readonly Saying[])[] = [];
  const answers: ((change: Change) => void)[] = [];
  const holding = new Holding({
    clock,
    say: (sayings) => {
      said.push(sayings);
      return new Promise((resolve) => answers.push(resolve));
    },
    onIdle: () => {},
  });
  const answer = async (after: number) => {
    answers.shift()!({ before: after - 1, after, parts: [] });
    await settle();
  };
  const held = holding.hold('ana', 'Ana');
  await settle();
  holding.release('ana');
  let isClosed = false;
  const closed = holding.close().then((wait) => {
    isClosed = true;
    return wait;
  });
  await answer(1);
  assert.deepEqual([(await held).after, isClosed], [1, false]);
  await answer(2);
  assert.equal(await closed, 0);
  assert.deepEqual(said, [[['h', 'ana', 'Ana']], [['r', 'ana', '']]]);
  assert.equal(holding.isIdle, true);
});

test('who closes while the store is away does not wait for it', async () => {
  const holding = new Holding({
    clock: new FakeClock(),
    say: () => {
      throw new Error('the store is away');
    },
    onIdle: () => {},
  });
  await assert.rejects(holding.hold('ana', 'Ana'), /away/);
  holding.again(true);
  assert.equal(await holding.close(), 0);
});
