import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chaos } from './chaos.ts';

/** Given by whoever wants to see a failure again. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 32);

test('over failing connections and a server that is killed: everything acknowledged arrives once, in order, or is reported lost', async (t) => {
  t.diagnostic(`seed ${seed}; again with CHAOS_SEED=${seed}, longer with node test/chaos/run.ts --seed ${seed}`);
  const chaos = new Chaos({ seed, messages: 300, kills: 4, readers: 60, patience: 90_000 });
  t.after(() => chaos.close());
  const { violations, messages, kills, gaps } = await chaos.run();
  assert.deepEqual(violations, [], `seed ${seed}`);
  assert.ok(messages >= 300, `${messages} messages were acknowledged`);
  assert.ok(kills >= 4, `${kills} kills`);
  assert.ok(gaps > 0, 'somebody was away for longer than the history lasts');
});
