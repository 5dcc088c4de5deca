import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noRedis } from '../../support/redis.ts';
import { NodesChaos } from './nodes-chaos.ts';
import { KINDS } from './stores.ts';

/** Given by whoever wants to see a failure again. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 32);

for (const kind of KINDS)
  test(`over nodes and a Redis that fail (${kind}), what is acknowledged comes once, in order, or a gap is told`, {
    skip: noRedis,
  }, async (t) => {
    t.diagnostic(`seed ${seed}; longer with npm run chaos:nodes -- --kind ${kind} --seed ${seed}`);
    const few = { faults: 3, readers: 3, guests: 6, nodes: 2, looks: 3, hasLongPauses: false };
    const chaos = new NodesChaos(t, { seed, kind, ...few, patience: 60_000 });
    const { violations, acknowledged } = await chaos.run();
    assert.deepEqual(violations, [], `seed ${seed}`);
    assert.ok(acknowledged > 20);
  });
