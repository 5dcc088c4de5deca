import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { answer, follow } from '../../../src/client/index.ts';
import { startDaemon } from '../../support/daemon.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { SECRET } from './cluster.ts';

/** Some daemons in this process that share a Redis. */
async function daemons(t: TestContext, count: number) {
  const redis = await startRedis(t);
  const input = {
    store: redis.address,
    secret: SECRET,
    channels: { '*': { presence: true as const } },
  };
  const nodes: Awaited<ReturnType<typeof startDaemon>>[] = [];
  for (let n = 0; n < count; n++) nodes.push(await startDaemon(t, input));
  const connect = async (node: (typeof nodes)[number], user?: string) => {
    const token = user === undefined ? undefined : await node.daemon.auth.mint({ user });
    const client = node.client(token === undefined ? {} : { token });
    const got: unknown[] = [];
    client.on('message', (data) => got.push(data));
    client.open();
    await until(() => client.state === 'open', 'it is connected', 10_000);
    return { client, got, token };
  };
  return { redis, input, nodes, connect };
}

describe('the users of several daemons', { skip: noRedis }, () => {
  test('a user gets what is sent through any of them, on whatever node each connection is', async (t) => {
    const { nodes, connect } = await daemons(t, 3);
    const [one, two, three] = nodes;
    const ana = [await connect(one!, 'ana'), await connect(two!, 'ana'), await connect(two!, 'ana')];
    const luis = await connect(two!, 'luis');
    const sent = () => three!.call('POST', '/api/users/ana/send', { data: { hola: 1 } });
    await until(async () => (await sent()).body.connections === 3, 'all three are reached');
    await until(() => ana.every(({ got }) => got.length > 0), 'all have it');
    assert.deepEqual(luis.got, []);
    const here = await one!.call('POST', '/api/users/ana/send', { data: 2, onlyHere: true });
    assert.deepEqual(here.body, { connections: 1 });
    assert.deepEqual((await three!.call('POST', '/api/users/nobody/send', { data: 1 })).body, { connections: 0 });
  });

  test('a call asks the pages of a user on all of them, and the first result ends the others', async (t) => {
    const { nodes, connect } = await daemons(t, 2);
    const [one, two] = nodes;
    const [here, there] = [await connect(one!, 'ana'), await connect(two!, 'ana')];
    const aborted: unknown[] = [];
    answer(here.client, 'confirm', (data, { signal }) => {
      signal.addEventListener('abort', () => aborted.push(data));
      return new Promise(() => {});
    });
    const call = (node: typeof one, body: object) => node!.call('POST', '/api/users/ana/call', body);
    const confirm = { method: 'confirm', data: 'sure?', timeout: 30_000 };
    assert.deepEqual((await call(two, { method: 'rename' })).body.code, 'NO_SUCH_METHOD');
    answer(there.client, 'confirm', (data) => `${data} yes`);
    // The offers are on their way.
    await until(async () => (await call(two, { ...confirm, onlyHere: true })).status === 200, 'there it is answered');
    const short = { ...confirm, onlyHere: true, timeout: 20 };
    await until(async () => (await call(one, short)).body.code === 'TIMEOUT', 'here it is asked', 10_000);
    await until(() => aborted.length > 0, 'the page is told that the time is over', 10_000);
    aborted.length = 0;
    assert.deepEqual((await call(one, confirm)).body, { result: 'sure? yes' });
    await until(() => aborted.length > 0, 'the page that did not answer is told', 10_000);
    const gone = await one!.call('POST', '/api/users/luis/call', confirm);
    assert.deepEqual([gone.status, gone.body.code], [503, 'UNAVAILABLE']);
  });

  test('a channel is given to the pages of a user on all of them', async (t) => {
    const { nodes, connect } = await daemons(t, 2);
    const states: (() => string)[] = [];
    for (const node of nodes)
      follow((await connect(node, 'ana')).client, (subscription) => states.push(() => subscription.state));
    const subscribe = () => nodes[0]!.call('POST', '/api/users/ana/subscribe', { channel: 'orders:7' });
    await until(async () => (await subscribe()).body.connections === 2, 'both are reached');
    await until(() => states.length === 2 && states.every((state) => state() === 'live'), 'both have it', 10_000);
  });

  test('lists of users, connections and channels have those of all daemons, each once, and in pages', async (t) => {
    const { nodes, connect } = await daemons(t, 2);
    const [one, two] = nodes;
    const all = [
      await connect(one!, 'ana'),
      await connect(two!, 'ana'),
      await connect(two!, 'luis'),
      await connect(one!),
    ];
    for (const [at, { client }] of all.entries())
      for (const channel of ['a', `b:${at}`]) {
        const subscription = client.subscribe(channel, { member: at });
        await until(() => subscription.state === 'live', 'it is subscribed');
      }
    for (const { call } of nodes) {
      const users = (await call('GET', '/api/users')).body;
      assert.deepEqual(
        users.users.map(({ id, connections }: { id: string; connections: number }) => [id, connections]),
        [
          ['ana', 2],
          ['luis', 1],
        ],
      );
      const first = (await call('GET', '/api/users?limit=1')).body;
      assert.deepEqual([first.users[0].id, first.next], ['ana', 'ana']);
      assert.deepEqual((await call('GET', '/api/users?limit=1&after=ana')).body.users[0].id, 'luis');
      const ana = (await call('GET', '/api/users/ana')).body;
      assert.deepEqual([ana.online, ana.connections.length], [true, 2]);
      const ids: string[] = [];
      for (let next = ''; ; ) {
        const page = (await call('GET', `/api/connections?limit=3${next}`)).body;
        ids.push(...page.connections.map(({ id }: { id: string }) => id));
        if (page.next === undefined) break;
        next = `&after=${page.next}`;
      }
      assert.deepEqual([ids.length, new Set(ids).size, ids.toSorted()], [4, 4, ids]);
      const { channels, next } = (await call('GET', '/api/channels?limit=2')).body;
      assert.deepEqual(channels, [
        { channel: 'a', subscribers: 4, members: 3 },
        { channel: 'b:0', subscribers: 1, members: 1 },
      ]);
      assert.equal(next, 'b:0');
    }
    const here = await Promise.all(nodes.map(({ call }) => call('GET', '/api/connections?onlyHere=true')));
    assert.deepEqual(
      here.map(({ body }) => body.connections.length),
      [2, 2],
    );
  });

  test('a user is unsubscribed, refreshed and disconnected wherever they are', async (t) => {
    const { nodes, connect } = await daemons(t, 2);
    const [one, two] = nodes;
    const { client } = await connect(one!, 'ana');
    const subscription = client.subscribe('news');
    await until(() => subscription.state === 'live', 'she is subscribed');
    const post = async (path: string, body?: object) => (await two!.call('POST', path, body ?? {})).body;
    assert.deepEqual(await post('/api/users/ana/unsubscribe', { channel: 'news' }), { connections: 1 });
    await until(() => subscription.state === 'ended', 'her subscription has ended');
    assert.deepEqual(await post('/api/refresh', { user: 'ana' }), { connections: 1 });
    await until(() => client.state !== 'open', 'she is told to come back');
    await until(() => client.state === 'open', 'she is back');
    await until(async () => (await post('/api/users/ana/disconnect')).connections === 1, 'she is disconnected');
    await until(() => one!.daemon.hub.connections.length === 0, 'she has gone');
  });

  test('tokens are revoked on all daemons, also on one that was down or cut off', async (t) => {
    const { redis, input, nodes, connect } = await daemons(t, 2);
    const [one, two] = nodes;
    const proxy = await startProxy(t, redis.port);
    const cutOff = await startDaemon(t, { ...input, store: `redis://127.0.0.1:${proxy.port}` });
    const ana = await connect(two!, 'ana');
    const other = await connect(cutOff, 'ana');
    await until(
      async () => (await one!.call('GET', '/api/users/ana')).body.connections.length === 2,
      'both connections are known',
    );
    proxy.isClosed = true;
    proxy.cut();
    const { body } = await one!.call('POST', '/api/users/ana/revoke', {});
    assert.equal(body.connections, 1);
    assert.equal(body.missing.length, 1, 'one node could not say');
    await until(() => two!.daemon.hub.connections.length === 0, 'she has gone there');
    assert.equal(other.client.state, 'open');
    proxy.isClosed = false;
    await until(() => cutOff.daemon.hub.connections.length === 0, 'the other has heard of it');
    const late = await startDaemon(t, input);
    for (const node of [one!, two!, cutOff, late])
      for (const { token } of [ana, other])
        await assert.rejects(node.daemon.auth.connect({ token: token!, request: undefined }), { code: 'UNAUTHORIZED' });
    const fresh = await connect(late, 'luis');
    assert.equal(fresh.client.state, 'open');
  });

  test('while Redis is away, what is for all daemons is refused, and what is for one is done', async (t) => {
    const { redis, nodes, connect } = await daemons(t, 1);
    const [one] = nodes;
    const ana = await connect(one!, 'ana');
    await redis.stop();
    await until(async () => (await one!.call('GET', '/api/users')).status === 503, 'it says so');
    const refused = await one!.call('POST', '/api/users/ana/send', { data: 1 });
    assert.deepEqual([refused.status, refused.body.code], [503, 'UNAVAILABLE']);
    assert.deepEqual((await one!.call('POST', '/api/users/ana/send', { data: 2, onlyHere: true })).body, {
      connections: 1,
    });
    await until(() => ana.got.length === 1, 'she has it');
    assert.equal((await one!.call('GET', '/api/users?onlyHere=true')).body.users.length, 1);
    await redis.start();
    await until(async () => (await one!.call('GET', '/api/users')).body.users?.length === 1, 'she is known again');
  });
});
