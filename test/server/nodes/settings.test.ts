import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noRedis, startRedis } from '../../support/redis.ts';
import { serveIn } from '../../support/serve-in.ts';
import { SECRET } from './cluster.ts';

describe('daemons with one store and one prefix', { skip: noRedis }, () => {
  test('say which of their settings are not the same, and nothing when all are', async (t) => {
    const { address } = await startRedis(t);
    const start = async (config: object) => (await serveIn(t, { store: address, secret: SECRET, ...config })).start();
    const channels = { 'chat:*': { presence: true } };
    await start({ channels });
    const same = await start({ channels });
    const other = await start({ channels: { 'chat:*': {} }, linger: '1s', store: `${address}?durability=disk` });
    await other.says(/has other settings \(channels, linger, store \(durability\)\)/, 'stderr');
    await same.stop();
    const said = `${other.stdout}${other.stderr}`;
    assert.equal(said.match(/has other settings/g)?.length, 2, 'of each of the others');
    assert.ok(!said.includes(SECRET));
    assert.doesNotMatch(`${same.stdout}${same.stderr}`, /other settings/);
    const elsewhere = await start({ channels: { '*': {} }, store: `${address}?prefix=other` });
    await elsewhere.stop();
    assert.doesNotMatch(`${elsewhere.stdout}${elsewhere.stderr}`, /other settings/);
  });
});
