import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Unfinished } from '../../../src/broker/index.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { follow } from '../listening.ts';
import { openNode } from './several.ts';

/** The line of docs/cluster.md, in words. */
function documentedRights(): string[] {
  const [, line] = /^(ACL SETUSER zocalo on [^`]*)/m.exec(readFileSync('docs/cluster.md', 'utf8'))!;
  return line!.trim().split(/\s+/).slice(1);
}

describe('a user of Redis with the rights that the documentation lists', { skip: noRedis }, () => {
  test('may do all that nodes do', async (t) => {
    const redis = await startRedis(t);
    await redis.ask('acl', ...documentedRights());
    const address = `redis://zocalo:password@127.0.0.1:${redis.port}`;
    const times = { lease: 2_000, linger: 100, check: 200 };
    const errors: unknown[] = [];
    const onError = (what: string, cause: unknown) => errors.push([what, cause]);
    const one = await openNode(t, address, { ...times, onError });
    const two = await openNode(t, address, { ...times, onError });
    const { listening } = await follow(two.nodes.membership, 'members:chat:42');
    const { group } = await follow(one.nodes.membership, 'members:chat:42');
    await group.hold('ana', 'a');
    group.waver('ana');
    const { others } = one.nodes;
    others.users.add('ana');
    await until(async () => (await others.users.names()).length === 1, 'she is known');
    assert.deepEqual(await others.users.nodesOf('ana'), [one.nodes.id]);
    assert.deepEqual(await one.nodes.membership.counts(['members:chat:42']), [1]);
    assert.equal((await others.bus.ask('nothing', 1)).missing.length, 2);
    errors.length = 0; // which were that there is no answer
    await others.notices.post('hola');
    others.tickets.put('t', { member: 'ana' });
    await until(
      async () => (await two.nodes.others.tickets.take('t', others.tickets.origin)) !== undefined,
      'it is there',
    );
    others.tickets.drop('t');
    await others.queues.add('q', [{ event: '{}', change: { kind: 'user', name: 'ana', isHere: true } }], 1);
    const page = await others.queues.page('q', 10);
    await others.queues.acknowledge('q', page!);
    assert.deepEqual(await others.queues.here('q', 'user'), ['ana']);
    for (let n = 0; n < 20; n++) await others.queues.add('q', [{ event: 'x'.repeat(1 << 20) }], 0);
    for (const data of ['1', '2']) await one.broker.publish('chat:42', { data, needsFollowUp: true });
    const unfinished: (string | undefined)[] = [];
    const work = async (some: readonly Unfinished[]) => void unfinished.push(...some.map(({ entry }) => entry?.data));
    await until(async () => {
      await two.broker.followUps.finish(0, work);
      return unfinished.length === 2;
    }, 'both are found');
    assert.deepEqual(unfinished, ['1', '2']);
    let leads = false;
    const stop = others.lead('it', { onGained: () => (leads = true), onLost: () => {}, onBack: () => {} });
    await until(() => leads, 'it leads');
    await stop();
    await one.nodes.close();
    await until(() => listening.members.size === 0, 'the node that has gone was swept');
    assert.deepEqual(errors, []);
  });
});
