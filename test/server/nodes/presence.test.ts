import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { type ClusterNode, startCluster } from './cluster.ts';

describe('the presence of several daemons', { skip: noRedis }, () => {
  test('a member is seen on all of them, leaves when its daemon is killed, and stays when it has moved', async (t) => {
    const { nodes } = await startCluster(t, 2);
    const [one, two] = nodes;
    const reader = two!.client().subscribe('chat:42', { presence: true });
    const seen = () => [...reader.presence.values()].map(({ data }) => data).sort();
    const left: unknown[] = [];
    reader.on('presence', ({ left: gone }) => gone && left.push(gone.data));
    const join = (data: string) => one!.client().subscribe('chat:42', { member: data });
    const [ana] = [join('ana'), join('luis'), join('eva')];
    await until(() => seen().length === 3, 'all are seen');
    for (const node of [one!, two!]) {
      const { body } = await node.call('GET', '/api/presence?channel=chat:42');
      assert.equal(body.count, 3);
    }
    ana!.unsubscribe();
    await until(() => left.length === 1, 'ana has left');
    one!.program.child.kill('SIGKILL');
    await until(() => seen().length === 0, 'those of the dead daemon have left');
    assert.deepEqual(left.toSorted(), ['ana', 'eva', 'luis'], 'each once');
    const { body } = await two!.call('GET', '/api/presence?channel=chat:42');
    assert.deepEqual(body, { count: 0, members: [] });
  });

  test('a daemon without connections to a channel knows who is there, and so does one that starts', async (t) => {
    const { nodes } = await startCluster(t, 2, {
      channels: { '*': { presence: true }, 'count:*': { presence: 'count' } },
    });
    const [one, two] = nodes;
    const client = one!.client();
    const both = [client.subscribe('chat:42', { member: 'ana' }), client.subscribe('count:1', { member: 'ana' })];
    await until(() => both.every(({ state }) => state === 'live'), 'both are subscribed to');
    const { body } = await two!.call('GET', '/api/presence?channel=chat:42');
    assert.deepEqual([body.count, body.members.map(({ data }: { data: unknown }) => data)], [1, ['ana']]);
    assert.deepEqual((await two!.call('GET', '/api/presence?channel=count:1')).body, { count: 1 });
  });

  test('a daemon that was stopped for longer than its lease tells only what is so when it goes on', async (t) => {
    const { nodes } = await startCluster(t, 2);
    const [one, two] = nodes;
    const watch = (node: ClusterNode) => {
      const told: string[] = [];
      const reader = node.client().subscribe('chat:42', { presence: true });
      reader.on('presence', ({ joined, left }) => {
        if (joined) told.push(`+${joined.data}`);
        if (left) told.push(`-${left.data}`);
      });
      return { told, reader, names: () => [...reader.presence.values()].map(({ data }) => data).sort() };
    };
    const [here, there] = [watch(one!), watch(two!)];
    await until(() => [here, there].every(({ reader }) => reader.state === 'live'), 'it is subscribed to');
    const luis = one!.client();
    one!.client().subscribe('chat:42', { member: 'ana' });
    luis.subscribe('chat:42', { member: 'luis' });
    await until(() => [here, there].every(({ told }) => told.length === 2), 'both are there');
    one!.program.child.kill('SIGSTOP');
    await until(() => there.told.length === 4, 'they count as gone');
    luis.close();
    two!.client().subscribe('chat:42', { member: 'eva' });
    await until(() => there.told.length === 5, 'eva is there');
    one!.program.child.kill('SIGCONT');
    for (const { names } of [here, there]) await until(() => names().join() === 'ana,eva', 'ana and eva are there');
    assert.deepEqual(there.told.slice(2, 4).sort(), ['-ana', '-luis']);
    assert.deepEqual(there.told.slice(4), ['+eva', '+ana'], 'and luis does not come again');
  });
});
