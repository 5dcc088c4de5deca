import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Client } from '../../../src/client/index.ts';
import { noRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { type ClusterNode, startCluster } from './cluster.ts';

const portOf = ({ url }: ClusterNode) => Number(new URL(url).port);

/** Two daemons, a client that comes to the first by a balancer, and what is told of members on the second. */
async function setUp(t: TestContext, config: object = {}) {
  const { redis, nodes } = await startCluster(t, 2, config);
  const [one, two] = nodes as [ClusterNode, ClusterNode];
  const told: string[] = [];
  const reader = two.client().subscribe('chat:42', { presence: true });
  reader.on('presence', ({ joined, left }) => {
    if (joined) told.push(`+${joined.id} ${joined.data}`);
    if (left) told.push(`-${left.id} ${left.data}`);
  });
  await until(() => reader.state === 'live', 'it is subscribed');
  const balancer = await startProxy(t, portOf(one));
  const client = new Client(`ws://127.0.0.1:${balancer.port}`);
  client.on('error', () => {});
  t.after(() => client.close());
  const subscription = client.subscribe('chat:42', { member: 'ana' });
  const got: unknown[] = [];
  void (async () => {
    for await (const { data } of subscription) got.push(data);
  })();
  await until(() => told.length === 1 && subscription.state === 'live', 'she has joined');
  const holds = async () => ((await redis.ask('keys', 'zocalo:*:held:*')) as string[]).length;
  return { redis, one, two, told, balancer, client, subscription, got, holds };
}

describe('clients that move from daemon to daemon', { skip: noRedis }, () => {
  test('a client without a user keeps its place, and nobody sees it leave', async (t) => {
    const { one, two, told, balancer, client, subscription, got } = await setUp(t);
    const before = client.welcome;
    balancer.to = portOf(two);
    balancer.cut();
    await until(() => client.welcome !== before && subscription.state === 'live', 'it is back');
    assert.equal(client.welcome?.resumed, true);
    await two.call('POST', '/api/publish', { channel: 'chat:42', data: 1 });
    await until(() => got.length === 1, 'it gets what comes');
    await until(
      async () => (await one.call('GET', '/api/connections?onlyHere=true')).body.connections.length === 0,
      'the first daemon knows that it has gone',
    );
    subscription.unsubscribe();
    await until(() => told.length === 2, 'it has left');
    const [, member] = /^\+(\S+) ana$/.exec(told[0]!)!;
    assert.deepEqual(told, [`+${member} ana`, `-${member} ana`], 'once, under the same id');
  });

  test('its place is kept when its daemon was killed', async (t) => {
    const { one, two, told, balancer, client, subscription, holds } = await setUp(t);
    balancer.to = portOf(two);
    one.program.child.kill('SIGKILL');
    await until(() => client.welcome?.resumed === true && subscription.state === 'live', 'it is back');
    await until(async () => (await holds()) === 1, 'the dead daemon was swept');
    const { body } = await two.call('GET', '/api/presence?channel=chat:42');
    assert.equal(body.count, 1);
    assert.equal(told.length, 1, `${told}`);
  });

  test('a daemon that is restarted hands its clients over with their places, however late they are told to come', async (t) => {
    const { one, two, told, balancer, client, subscription, holds, got } = await setUp(t, {
      // Longer than the half second of jitter that the client adds, and shorter than what it is told.
      linger: '1500ms',
      drain: { spread: '4s' },
      // While it is away, more is published than the rooms of the chat keep.
      chat: false,
      channels: { '*': { presence: true, history: { size: 100_000 } } },
    });
    balancer.to = portOf(two);
    one.program.child.kill('SIGTERM');
    const published: number[] = [];
    let n = 0;
    await until(
      async () => {
        const { status } = await two.call('POST', '/api/publish', { channel: 'chat:42', data: ++n });
        if (status === 200) published.push(n);
        return client.welcome?.resumed === true && subscription.state === 'live';
      },
      'it is back in its place',
      20_000,
    );
    await one.program.exited;
    await until(async () => (await holds()) === 1, 'the daemon that has ended was swept');
    await until(() => got.length === published.length, 'nothing is lost');
    assert.deepEqual(got, published);
    assert.equal(told.length, 1, `nobody saw it leave: ${told}`);
    subscription.unsubscribe();
    await until(() => told.length === 2, 'it leaves by itself');
  });
});
