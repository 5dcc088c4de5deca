import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Leaving } from '../../src/server/leaving.ts';
import { turn } from '../support/turn.ts';

test('a newcomer waits for all earlier holders of its marks, and for nobody else', async () => {
  const leaving = new Leaving();
  const [first, second, other] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
  ];
  leaving.add(['name a', 'place 1'], first.promise);
  leaving.add(['name b', 'place 1'], second.promise);
  leaving.add(['name c'], other.promise);
  const over: string[] = [];
  const note = (what: string, promise: Promise<void>) => void promise.then(() => over.push(what));
  note('nobody', leaving.free(['name x', 'place 2']));
  note('first', leaving.free(['name a']));
  note('both', leaving.free(['name y', 'place 1']));
  note('all', leaving.settled());
  await turn();
  assert.deepEqual(over, ['nobody']);
  second.resolve();
  await turn();
  assert.deepEqual(over, ['nobody']);
  first.resolve();
  await turn();
  assert.deepEqual(over, ['nobody', 'first', 'both']);
  other.resolve();
  await turn();
  assert.deepEqual(over, ['nobody', 'first', 'both', 'all']);
  await leaving.settled();
  await leaving.free(['name a', 'place 1']);
});
