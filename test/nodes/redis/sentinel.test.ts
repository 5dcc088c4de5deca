import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutOff, hasAll, noRedis } from '../../support/redis.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { until } from '../../support/until.ts';
import { follow } from '../listening.ts';
import { openNode } from './several.ts';

const GROUP = 'members:chat:42';

describe('who is where, over a failover by Sentinel', { skip: noRedis }, () => {
  test('members who came right before it stay, those who left are gone, and none is reported to have left who stayed', async (t) => {
    const { address, primary, replica, named } = await startSentinel(t);
    const [one, two] = [await openNode(t, address), await openNode(t, address)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    await there.group.hold('luis', 'l');
    await until(() => hasAll(replica, primary), 'the replica has both');
    await cutOff(replica, primary);
    await here.group.hold('eva', 'e');
    there.group.release('luis');
    const names = ({ members }: typeof here.listening) => [...members.keys()].sort().join();
    const know = () => [here, there].every(({ listening }) => names(listening) === 'ana,eva');
    await until(know, 'all know that eva came, and that luis went');
    await primary.stop();
    replica.signal('SIGCONT');
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    const stored = async () => [...(await two.nodes.membership.members(GROUP)).keys()].sort().join();
    await until(async () => (await stored().catch(() => '')) === 'ana,eva', 'the new primary knows it too');
    await until(know, 'and so do all');
    for (const { listening } of [here, there])
      for (const member of ['ana', 'eva']) assert.ok(!listening.told.includes(`-${member}`), `${listening.told}`);
  });
});
