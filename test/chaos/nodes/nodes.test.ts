import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noRedis } from '../../support/redis.ts';
import { NodesChaos } from './nodes-chaos.ts';
import { KINDS } from './stores.ts';

/** Given by whoever wants to see a failure again. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 32);

// They wait for time more than for the processor.
describe('several nodes with a Redis that fails', { skip: noRedis, concurrency: 2 }, () => {
  for (const kind of KINDS)
    test(`what is acknowledged comes once and in order, or a gap is reported, and presence is right (${kind})`, async (t) => {
      t.diagnostic(`seed ${seed}; longer with npm run chaos:nodes -- --kind ${kind} --seed ${seed}`);
      const few = { faults: 2, readers: 3, guests: 6, nodes: 2, looks: 2, hasLongPauses: false };
      const chaos = new NodesChaos(t, { seed, kind, ...few, patience: 60_000 });
      const { violations, acknowledged } = await chaos.run();
      assert.deepEqual(violations, [], `seed ${seed}`);
      assert.ok(acknowledged > 20);
    });
});
