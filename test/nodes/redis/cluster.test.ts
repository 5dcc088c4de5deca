import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';
import { follow } from '../listening.ts';
import { openNode } from './several.ts';

describe('several nodes with a cluster of Redis', { skip: noRedis }, () => {
  test('know who is where, reach each other, find tickets, hear of notices, and sweep a node that dies', async (t) => {
    const { address } = await startCluster(t);
    const times = { lease: 3_000, linger: 100, check: 200 };
    const [one, two] = [await openNode(t, address, times), await openNode(t, address, times)];
    const names = Array.from({ length: 40 }, (_, n) => `members:chat:${n}`);
    const there = await Promise.all(names.map((name) => follow(two.nodes.membership, name)));
    for (const name of names) await (await follow(one.nodes.membership, name)).group.hold('ana', 'x');
    await until(() => there.every(({ listening }) => listening.members.has('ana')), 'she is seen everywhere');
    assert.deepEqual(
      await two.nodes.membership.counts(names),
      names.map(() => 1),
    );
    one.nodes.others.users.add('ana');
    await until(async () => (await two.nodes.others.users.names()).includes('ana'), 'she is online');
    one.nodes.others.bus.answer('who', () => 'one');
    two.nodes.others.bus.answer('who', () => 'two');
    const { answers, missing } = await two.nodes.others.bus.ask('who', null);
    assert.deepEqual([[...answers.values()].sort(), missing], [['one', 'two'], []]);
    const { tickets } = one.nodes.others;
    tickets.put('t', { member: 'ana' });
    let taken: unknown;
    const isTaken = async () => {
      taken = await two.nodes.others.tickets.take('t', tickets.origin);
      return taken !== undefined;
    };
    await until(isTaken, 'the ticket is there');
    const heard: string[] = [];
    two.nodes.others.notices.follow((text) => heard.push(text));
    await one.nodes.others.notices.post('hola');
    await until(() => heard.includes('hola'), 'the notice is heard');
    await one.nodes.close();
    await until(() => there.every(({ listening }) => listening.members.size === 0), 'she has left everywhere');
    assert.ok(there.every(({ listening }) => listening.told.length === 2));
    await until(async () => (await two.nodes.others.users.names()).length === 0, 'she is offline');
  });
});
