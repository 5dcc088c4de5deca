import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from './kinds.ts';
import { OutboxChaos } from './outbox-chaos.ts';

/** Given by whoever wants to see a failure again. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 32);

for (const database of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
  const { skip, isServer } = KINDS[database];
  const victims = isServer ? 'daemon and database are' : 'the daemon is';
  test(`${database}: while ${victims} killed, each committed row is published once and in order, and no other`, {
    skip,
  }, async (t) => {
    t.diagnostic(`seed ${seed}; again with CHAOS_SEED=${seed}, longer with npm run chaos:sources -- --seed ${seed}`);
    const options = { database, seed, rows: 150, kills: isServer ? 3 : 2, readers: 2, patience: 60_000 };
    const { violations, rows, kills, databaseKills } = await new OutboxChaos(options, t).run();
    assert.deepEqual(violations, [], `seed ${seed}`);
    assert.ok(rows >= options.rows, `${rows} rows were committed`);
    assert.equal(kills + databaseKills, options.kills);
  });
}
