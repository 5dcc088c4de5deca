import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PresenceEvent } from '../../src/client/index.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import { TestNetwork } from '../../src/testing/index.ts';

function setUp(t: TestContext, options: Partial<HubOptions> = {}) {
  const network = new TestNetwork(
    (parts) => new Hub({ ...parts, channels: { '*': { presence: true, patterns: true } }, ...options }),
  );
  t.after(() => network.close());
  return network;
}

test('clients talk without a port, and what one says the others have when nothing moves any more', async (t) => {
  const network = setUp(t);
  const [ana, luis] = [network.client(), network.client()];
  const heard: unknown[] = [];
  ana.subscribe('chat:42').on('message', ({ data, time }) => heard.push([data, time]));
  await network.settle();
  assert.equal((await luis.publish('chat:42', 'hola'))?.[1], 1);
  await network.settle();
  assert.deepEqual(heard, [['hola', Date.UTC(2026, 0, 1)]]);
});

test('time passes only when the test says so: pings, time limits, pauses and what is kept', async (t) => {
  const network = setUp(t, { channels: { 'chat:*': { history: { ttl: '1h' } } } });
  network.hub.method('never', () => new Promise(() => {}));
  const ana = network.client();
  await ana.publish('chat:42', 'hola');
  const late = ana.call('never', null, { timeout: 2_000 }).catch(({ code }) => code);
  await network.settle();
  assert.equal(ana.state, 'open');
  await network.advance(2_000);
  assert.equal(await late, 'TIMEOUT');
  // Over an hour of pings: nobody is taken for dead.
  const states: string[] = [];
  ana.on('state', (state) => states.push(state));
  await network.advance(3_600_000);
  assert.deepEqual(states, []);
  assert.deepEqual((await ana.history('chat:42')).messages, []);
});

test('a client that was cut comes back by itself and misses nothing, and its member lingers', async (t) => {
  const network = setUp(t);
  const [ana, luis] = [network.client(), network.client()];
  const heard: unknown[] = [];
  const people: string[] = [];
  const room = luis.subscribe('chat:42', { presence: true });
  room.on('presence', ({ joined, left }: PresenceEvent) => people.push(joined ? 'joined' : left ? 'left' : 'all'));
  ana.subscribe('chat:42', { member: { name: 'Ana' } }).on('message', ({ data }) => heard.push(data));
  await network.settle();
  network.cut(ana);
  assert.equal(ana.state, 'waiting');
  await luis.publish('chat:42', 'meanwhile');
  await network.advance(1_000);
  assert.deepEqual([ana.state, heard, people.filter((what) => what === 'left')], ['open', ['meanwhile'], []]);
  const back = network.offline(ana);
  await network.advance(60_000);
  assert.deepEqual([ana.state, people.at(-1)], ['waiting', 'left']);
  back();
  await network.advance(60_000);
  assert.deepEqual([ana.state, people.at(-1)], ['open', 'joined']);
});

test('the hub decides by the request that a client of the test has, and its end is reported', async (t) => {
  const network = setUp(t, {
    connect: ({ request, token }) => (request?.cookies.session === '3f1c' ? { user: `${token}` } : null),
  });
  const ana = network.client({ request: { headers: { cookie: 'session=3f1c' } }, token: 'ana' });
  const stranger = network.client({ request: { headers: { cookie: 'session=none' } } });
  const errors: unknown[] = [];
  stranger.on('error', (error) => errors.push((error as { code?: string }).code));
  for (const client of [ana, stranger]) client.open();
  await network.settle();
  assert.deepEqual([ana.welcome?.user, stranger.state, errors], ['ana', 'closed', ['UNAUTHORIZED']]);
  network.hub.user('ana').send({ hint: 1 });
  const messages: unknown[] = [];
  ana.on('message', (message) => messages.push(message));
  await network.settle();
  assert.deepEqual(messages, [{ hint: 1 }]);
});

test('patterns and members, whose code is loaded late, are there when nothing moves any more', async (t) => {
  const network = setUp(t);
  const ana = network.client();
  const heard: string[] = [];
  ana.subscribe('chat:*').on('message', ({ channel }) => heard.push(channel));
  await network.settle();
  await network.hub.publish('chat:1', 'hola');
  await network.settle();
  assert.deepEqual(heard, ['chat:1']);
});

test('close ends the clients and leaves no timer', async () => {
  const network = setUp({ after() {} } as never);
  const ana = network.client();
  ana.subscribe('chat:42', { member: 'Ana' });
  await network.settle();
  await network.close();
  assert.deepEqual([ana.state, network.hub.connections.length, network.clock.pending], ['closed', 0, 0]);
});
