import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { RedisBroker } from '../../../src/broker/index.ts';
import { noRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { type ClusterNode, SECRET, startCluster } from './cluster.ts';

interface Event {
  readonly version: number;
  readonly type: string;
  readonly user?: string;
  readonly channel?: string;
  readonly data?: unknown;
}

/** An application that is notified. */
async function startReceiver(t: TestContext) {
  const events: Event[] = [];
  const receiver = { events, url: '', isDown: false, missed: 0 };
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (!receiver.isDown) {
      events.push(...JSON.parse(body).events);
      receiver.missed += JSON.parse(body).missed ?? 0;
    }
    response.writeHead(receiver.isDown ? 500 : 204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return receiver;
}

const textOf = ({ type, user, channel, data }: Event) => [type, channel ?? user, data].filter(Boolean).join(' ');

async function setUp(t: TestContext, config: object = {}) {
  const receiver = await startReceiver(t);
  const webhooks = [
    {
      url: receiver.url,
      secret: SECRET,
      debounce: '100ms',
      channels: ['chat:*'],
      events: ['online', 'offline', 'occupied', 'vacated', 'published'],
    },
  ];
  const { redis, nodes, more } = await startCluster(t, 1, {
    webhooks,
    linger: '200ms',
    drain: { spread: '300ms' },
    ...config,
  });
  const isLed = async () => ((await redis.ask('keys', 'zocalo:*:leader:webhooks')) as string[]).length > 0;
  await until(isLed, 'the first daemon notifies for all');
  nodes.push(await more());
  const { Tokens } = await import('../../../src/server/auth/index.ts');
  const tokens = new Tokens({ secret: SECRET, jwt: undefined, now: Date.now, fetch });
  const join = async (node: ClusterNode, user: string, channel: string) => {
    const client = node.client({ token: await tokens.mint({ user }) });
    const subscription = client.subscribe(channel);
    await until(() => subscription.state === 'live', `${user} is subscribed`);
    return client;
  };
  const told = (text: string) => receiver.events.filter((event) => textOf(event) === text).length;
  return { redis, receiver, nodes: nodes as [ClusterNode, ClusterNode], join, told };
}

describe('the webhooks of several daemons', { skip: noRedis }, () => {
  test('tell once of what happens on any of them, and in the order of their versions', async (t) => {
    const { receiver, nodes, join, told } = await setUp(t);
    const [one, two] = nodes;
    const ana = [await join(one, 'ana', 'chat:1'), await join(two, 'ana', 'chat:1')];
    await until(() => told('online ana') === 1 && told('occupied chat:1') === 1, 'she is online');
    for (const [at, node] of nodes.entries())
      await node.call('POST', '/api/publish', { channel: 'chat:1', data: at + 1 });
    await until(() => told('published chat:1 1') === 1 && told('published chat:1 2') === 1, 'both are told');
    ana[0]!.close();
    const luis = await join(one, 'luis', 'other');
    await until(() => told('online luis') === 1, 'luis is online');
    ana[1]!.close();
    await until(() => told('offline ana') === 1 && told('vacated chat:1') === 1, 'she is offline');
    luis.close();
    await until(() => told('offline luis') === 1, 'luis is offline');
    assert.equal(new Set(receiver.events.map(textOf)).size, receiver.events.length, 'each once');
    const versions = receiver.events.map(({ version }) => version);
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
    );
  });

  test('tell once of what happened when the daemon has died that notified', async (t) => {
    const { receiver, nodes, join, told } = await setUp(t);
    const [one, two] = nodes;
    const client = await join(one, 'ana', 'chat:1');
    await join(two, 'luis', 'chat:2');
    await until(() => told('online ana') === 1 && told('online luis') === 1, 'both are online');
    receiver.isDown = true;
    await two.call('POST', '/api/publish', { channel: 'chat:2', data: 'before' });
    one.program.child.kill('SIGKILL');
    await one.program.exited;
    client.close();
    await two.call('POST', '/api/publish', { channel: 'chat:2', data: 'after' });
    receiver.isDown = false;
    await until(() => told('offline ana') === 1 && told('vacated chat:1') === 1, 'those of the dead are gone');
    await until(() => told('published chat:2 before') >= 1, 'what was published before is told');
    await until(() => told('published chat:2 after') >= 1, 'what was published after is told');
    const changes = receiver.events.filter(({ type }) => type !== 'published').map(textOf);
    assert.equal(new Set(changes).size, changes.length, `each once: ${changes}`);
  });

  test('tell nothing of a daemon that is restarted while its users go to another', async (t) => {
    const { receiver, nodes, join, told } = await setUp(t);
    const [one, two] = nodes;
    await join(one, 'ana', 'chat:1');
    await until(() => told('online ana') === 1 && told('occupied chat:1') === 1, 'she is online');
    one.program.child.kill('SIGTERM');
    // As her client does when it is told to come back.
    await join(two, 'ana', 'chat:1');
    await one.program.exited;
    await two.call('POST', '/api/publish', { channel: 'chat:1', data: 'after' });
    await until(() => told('published chat:1 after') >= 1, 'another notifies');
    await join(two, 'luis', 'chat:2');
    await until(() => told('online luis') === 1, 'luis is online');
    assert.deepEqual(told('offline ana') + told('vacated chat:1'), 0, `${receiver.events.map(textOf)}`);
  });

  test('tell that somebody has gone who was reported to a Redis that came back empty', async (t) => {
    const { redis, receiver, nodes, join, told } = await setUp(t);
    const [one, two] = nodes;
    const ana = await join(one, 'ana', 'chat:1');
    await join(two, 'luis', 'chat:2');
    await until(() => told('online ana') === 1 && told('online luis') === 1, 'both are online');
    await redis.stop();
    await redis.start();
    const isKnown = async () => (await two.call('GET', '/api/users')).body.users?.length === 2;
    await until(isKnown, 'both are known again');
    ana.close();
    await until(() => told('offline ana') === 1 && told('vacated chat:1') === 1, 'she is offline');
    const luis = receiver.events.filter(({ user }) => user === 'luis').map(({ type }) => type);
    assert.ok(!luis.includes('offline'), `luis has stayed: ${luis}`);
  });

  test('tell once of a publication whose node has died before it told of it', async (t) => {
    const { redis, receiver, nodes, told } = await setUp(t);
    // As a node that has died right after it.
    const broker = new RedisBroker(redis.address);
    await broker.open();
    t.after(() => broker.close());
    const lost = { data: '"lost"', meta: '{"user":"ana"}', needsFollowUp: true };
    const { position } = await broker.publish('chat:1', lost);
    await broker.publish('other', { data: '"nobody wants it"', needsFollowUp: true });
    await broker.publish('chat:2', { data: '"not kept"', keep: { size: 0, ttl: 1 }, needsFollowUp: true });
    await until(() => told('published chat:1 lost') > 0 || receiver.missed > 0, 'it is told');
    await nodes[0].call('POST', '/api/publish', { channel: 'chat:1', data: 'next' });
    await until(() => told('published chat:1 next') === 1 && receiver.missed > 0, 'so is the next one');
    const { channel, user, position: at } = receiver.events.find(({ data }) => data === 'lost') as never;
    assert.deepEqual({ channel, user, position: at }, { channel: 'chat:1', user: 'ana', position });
    const isForgotten = async () => ((await redis.ask('keys', '*:follow-ups')) as string[]).length === 0;
    await until(isForgotten, 'none of them is remembered any more');
    const all = receiver.events.filter(({ type }) => type === 'published').map(textOf);
    assert.deepEqual(all, ['published chat:1 lost', 'published chat:1 next']);
    assert.equal(receiver.missed, 1, 'of the one that no log has');
  });

  test('tell of each publication that was acknowledged by a daemon that was killed at once', async (t) => {
    const { nodes, told } = await setUp(t);
    let [, two] = nodes;
    for (let n = 1; n <= 8; n++) {
      const { status } = await two.call('POST', '/api/publish', { channel: 'chat:1', data: n });
      two.program.child.kill('SIGKILL');
      assert.equal(status, 200);
      await two.program.exited;
      if (n < 8) two = await two.again();
    }
    const all = Array.from({ length: 8 }, (_, n) => `published chat:1 ${n + 1}`);
    await until(() => all.every((text) => told(text) > 0), 'all of them are told');
    assert.deepEqual(
      all.map(told),
      all.map(() => 1),
    );
  });

  test('tell of what had to be dropped while it could not be stored', async (t) => {
    const { redis, receiver, nodes, told } = await setUp(t, { channels: { 'chat:1': { history: { size: 10_000 } } } });
    const publish = (data: unknown) => nodes[1].call('POST', '/api/publish', { channel: 'chat:1', data });
    await publish('first');
    await until(() => told('published chat:1 first') === 1, 'the first one is told');
    const [ids] = (await redis.ask('keys', 'zocalo:*:queue:*:ids')) as [string];
    await redis.ask('del', ids);
    await redis.ask('set', ids, 'else');
    const count = 1_500; // more than are held in memory
    for (let n = 1; n <= count; n += 100) await Promise.all(Array.from({ length: 100 }, (_, at) => publish(n + at)));
    const failures = () => nodes[1].program.stderr.split('cannot be stored').length;
    const before = failures();
    await until(() => failures() > before, 'it was tried once more with all of them');
    await redis.ask('del', ids);
    await until(() => receiver.events.length > count, 'all of them are told');
    const numbers = receiver.events.map(({ data }) => data);
    assert.equal(new Set(numbers).size, count + 1);
    assert.equal(numbers.length, count + 1, 'each once');
    assert.equal(receiver.missed, 0);
  });

  test('tell once of a publication whose node has died before it told of it, when it is repeated', async (t) => {
    const { redis, nodes, told } = await setUp(t);
    const [one, two] = nodes;
    // As by a node that has died right after it.
    const broker = new RedisBroker(redis.address);
    await broker.open();
    t.after(() => broker.close());
    const { position } = await broker.publish('chat:1', { data: '"lost"', meta: '{"key":"k"}', key: 'k' });
    for (const node of [one, two, one]) {
      const { body } = await node.call('POST', '/api/publish', { channel: 'chat:1', data: 'lost', key: 'k' });
      assert.deepEqual(body.at, position, 'it is the same one');
    }
    await one.call('POST', '/api/publish', { channel: 'chat:1', data: 'next', key: 'n' });
    await until(() => told('published chat:1 next') === 1, 'the next one is told');
    assert.equal(told('published chat:1 lost'), 1);
  });
});
