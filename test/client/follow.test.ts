import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import '../../src/client/extras.ts';
import { type Client, follow, type Subscription } from '../../src/client/index.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import { TestNetwork } from '../../src/testing/index.ts';

/** A hub, and clients of ana. */
function setUp(t: TestContext, options: Partial<HubOptions> = {}) {
  const network = new TestNetwork(
    (parts) => new Hub({ ...parts, connect: ({ token }) => ({ user: token ?? 'ana' }), ...options }),
  );
  t.after(() => network.close());
  return { network, hub: network.hub };
}

/** Follows the server, and keeps what comes by channel. */
function following(client: Client, options?: object) {
  const got: [channel: string, data: unknown][] = [];
  const subscriptions: Subscription[] = [];
  const off = follow(
    client,
    (subscription) => {
      subscriptions.push(subscription);
      subscription.on('message', ({ channel, data }) => got.push([channel, data]));
      subscription.on('error', (error) => got.push([subscription.channel, error.message]));
    },
    options,
  );
  return { got, subscriptions, off };
}

test("the user's pages get a channel that the server adds, and lose nothing of it over a lost connection", async (t) => {
  const { network, hub } = setUp(t);
  await hub.publish('orders:7', 'before');
  const [one, two] = [network.client(), network.client()];
  const [first, second] = [following(one, { recent: 5 }), following(two)];
  const other = network.client({ token: 'luis' });
  const others = following(other);
  await network.settle();
  assert.equal(hub.user('ana').subscribe('orders:7'), 2);
  assert.equal(hub.user('ana').subscribe('orders:7'), 2, 'twice is no more than once');
  await network.settle();
  await hub.publish('orders:7', 'paid');
  await network.settle();
  assert.deepEqual(second.got, [['orders:7', 'paid']]);
  assert.deepEqual(first.got.splice(0), [
    ['orders:7', 'before'],
    ['orders:7', 'paid'],
  ]);
  network.cut(one);
  await hub.publish('orders:7', 'sent');
  await network.advance(1_000);
  assert.deepEqual([first.got, first.subscriptions.length], [[['orders:7', 'sent']], 1]);
  assert.deepEqual([others.got, others.subscriptions], [[], []]);
});

test('what the server added before the page followed it is had too, and what `connect` returned from the start', async (t) => {
  const { network, hub } = setUp(t, { connect: () => ({ user: 'ana', channels: ['inbox:ana'] }) });
  const client = network.client();
  client.open();
  await network.settle();
  hub.user('ana').subscribe('orders:7');
  await network.settle();
  assert.deepEqual(hub.channels, [], 'a page that does not follow is as before');
  const { subscriptions, off } = following(client);
  await network.settle();
  assert.deepEqual(subscriptions.map(({ channel }) => channel), ['inbox:ana', 'orders:7']); // biome-ignore format: one line
  assert.deepEqual(hub.channels.toSorted(), ['inbox:ana', 'orders:7']);
  off();
  hub.user('ana').subscribe('news');
  await network.settle();
  assert.deepEqual([hub.channels, subscriptions.length], [[], 2]);
});

test('the options of a channel apply to what the server adds, and it can end it again', async (t) => {
  const { network, hub } = setUp(t, { channels: { 'own:*': { subscribe: false }, '*': {} } });
  const { got, subscriptions } = following(network.client());
  await network.settle();
  hub.user('ana').subscribe('own:1');
  hub.user('ana').subscribe('news');
  await network.settle();
  assert.deepEqual([subscriptions[0]!.state, subscriptions[1]!.state], ['ended', 'live']);
  hub.user('ana').unsubscribe('news', 'CLOSED', 'over');
  await network.settle();
  assert.deepEqual([got.at(-1), hub.channels], [['news', 'over'], []]);
  hub.user('ana').subscribe('news');
  await network.settle();
  assert.deepEqual([subscriptions.length, hub.channels], [3, ['news']]);
  assert.throws(() => hub.user('ana').subscribe('two words'), { code: 'BAD_OPTION' });
});
