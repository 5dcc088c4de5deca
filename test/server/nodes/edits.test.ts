import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../../src/client/index.ts';
import { startDaemon } from '../../support/daemon.ts';
import { noRedis, type Owner, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';

/** A message without its position, author and time. */
function shown({ data, erased, replaced, erases, replaces }: Message): unknown {
  return JSON.parse(JSON.stringify([data, { erased, replaced, erases, replaces }]));
}

describe('what is erased or replaced, on several nodes', { skip: noRedis }, () => {
  for (const [kind, start] of [
    ['one Redis', async (t: Owner) => (await startRedis(t)).address],
    ['a Redis Cluster', async (t: Owner) => (await startCluster(t)).address],
  ] as const)
    test(`is told to the readers of all nodes in one order, and who comes later sees the new state, with ${kind}`, async (t) => {
      const input = {
        store: await start(t),
        channels: { 'news:*': { patterns: true as const, history: { size: 20 } } },
      };
      const nodes = [await startDaemon(t, input), await startDaemon(t, input)];
      const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
      const heard: unknown[][] = [];
      for (const { client } of nodes)
        for (const name of ['news:1', 'news:*']) {
          const subscription = client().subscribe(name);
          const all: unknown[] = [];
          heard.push(all);
          subscription.on('message', (message: Message) => all.push(shown(message)));
          await until(() => subscription.state === 'live', 'it is subscribed');
        }
      const call = async (node: typeof one, path: string, more: object) => {
        const { status, body } = await node.call('POST', `/api/${path}`, { channel: 'news:1', ...more });
        assert.equal(status, 200, JSON.stringify(body));
        return (body as { at: [epoch: string, offset: number] }).at;
      };
      const first = await call(one, 'publish', { data: 'one' });
      const second = await call(two, 'publish', { data: 'two' });
      const third = await call(one, 'publish', { data: 'three' });
      // Each by the node that did not publish it, the second one by both.
      await call(two, 'replace', { at: first, data: 'ONE' });
      const notice = await call(one, 'replace', { at: second, data: 'Two' });
      await call(two, 'replace', { at: notice, data: 'TWO' });
      await call(two, 'erase', { at: third });
      const told = [
        ['one', {}],
        ['two', {}],
        ['three', {}],
        ['ONE', { replaces: 1 }],
        ['Two', { replaces: 2 }],
        ['TWO', { replaces: 2 }],
        [null, { erases: 3 }],
      ];
      await until(() => heard.every(({ length }) => length === told.length), 'all is heard');
      for (const all of heard) assert.deepEqual(all, told);
      const state = [
        ['ONE', { replaced: true }],
        ['TWO', { replaced: true }],
        [null, { erased: true }],
        ['ONE', { replaces: 1 }],
        [null, { erased: true, replaces: 2 }],
        ['TWO', { replaces: 2 }],
        [null, { erases: 3 }],
      ];
      for (const { client } of nodes) {
        const late = client();
        assert.deepEqual((await late.history('news:1')).messages.map(shown), state);
        // From the start, and as who was away since the second was published.
        for (const offset of [0, 2]) {
          const reader = late.subscribe('news:1', { since: [first[0], offset] });
          const caughtUp: unknown[] = [];
          reader.on('message', (message: Message) => caughtUp.push(shown(message)));
          await until(() => caughtUp.length === told.length - offset, 'it has caught up');
          assert.deepEqual(caughtUp, state.slice(offset));
          reader.unsubscribe();
        }
      }
      const refused = await two.call('POST', '/api/replace', { channel: 'news:1', at: third, data: 'again' });
      assert.equal((refused.body as { code: string }).code, 'BAD_POSITION', 'erased by the other node, and for good');
    });
});
