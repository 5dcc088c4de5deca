import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startDaemon } from '../../support/daemon.ts';
import { noRedis, type Owner, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';

describe('what no log keeps, on several nodes', { skip: noRedis }, () => {
  for (const [kind, start] of [
    ['one Redis', async (t: Owner) => (await startRedis(t)).address],
    ['a Redis Cluster', async (t: Owner) => (await startCluster(t)).address],
  ] as const)
    test(`reaches the subscribers of all nodes once, also those of patterns, with ${kind}`, async (t) => {
      const input = {
        store: await start(t),
        channels: { 'typing:*': { patterns: true as const }, '*': {} },
      };
      const nodes = [await startDaemon(t, input), await startDaemon(t, input)];
      const heard: [node: number, channel: string, data: unknown][] = [];
      for (const [node, { client }] of nodes.entries())
        for (const name of ['typing:7', 'typing:*', 'other']) {
          const subscription = client().subscribe(name);
          subscription.on('message', ({ channel, data }: { channel: string; data: unknown }) => {
            heard.push([node, `${name} ${channel}`, data]);
          });
          await until(() => subscription.state === 'live', 'it is subscribed', 10_000);
        }
      const publish = (channel: string, data: unknown, keep: boolean) =>
        nodes[0]!.call('POST', '/api/publish', { channel, data, keep });
      for (const data of [1, 2]) await publish('typing:7', data, false);
      await publish('typing:8', 3, false);
      // What is in the log comes the same way, behind it.
      for (const channel of ['typing:7', 'typing:8', 'other']) await publish(channel, 'end', true);
      const ofNode = (node: number) => heard.filter(([one]) => one === node).map(([, ...rest]) => rest);
      const ends = (node: number) => ofNode(node).filter(([, data]) => data === 'end').length;
      await until(() => [0, 1].every((node) => ends(node) === 4), 'both have all of it', 10_000);
      const expected = ofNode(0);
      assert.equal(expected.length, 4 + 5);
      const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
      assert.deepEqual(sorted(ofNode(1)), sorted(expected));
    });
});
