import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import '../../src/client/extras.ts';
import { onEvent } from '../../src/client/index.ts';
import { Hub, type HubOptions, type PublishRequest } from '../../src/hub/index.ts';
import { TestNetwork } from '../../src/testing/index.ts';
import { channelView } from '../../src/views/index.ts';

function setUp(t: TestContext, options: Partial<HubOptions> = {}) {
  const network = new TestNetwork((parts) => new Hub({ ...parts, ...options }));
  t.after(() => network.close());
  return { network, hub: network.hub, client: network.client() };
}

test('listeners of one event get its messages alone, whoever published them, and after a lost connection too', async (t) => {
  const { network, hub, client } = setUp(t);
  const board = client.subscribe('board:1');
  const got: unknown[] = [];
  onEvent<{ x: number }>(board, 'moved', ({ data, event, position }) => got.push([event, data.x, position?.[1]]));
  const off = onEvent(board, 'removed', ({ data, event }) => got.push([event, data]));
  await network.settle();
  await hub.publish('board:1', { x: 1 }, { event: 'moved' });
  const sent = [
    client.publish('board:1', { x: 2 }, { event: 'moved' }),
    client.publish('board:1', 'plain'),
    client.publish('board:1', { x: 3 }, { event: 'moved', keep: false }),
    client.publish('board:1', 'card', { event: 'removed' }),
  ];
  await network.settle();
  await Promise.all(sent);
  assert.deepEqual(
    got.splice(0).sort(),
    [['moved', 1, 1], ['moved', 2, 2], ['moved', 3, undefined], ['removed', 'card']].sort(), // biome-ignore format: one line
  );
  off();
  network.cut(client);
  await hub.publish('board:1', { x: 4 }, { event: 'moved' });
  await hub.publish('board:1', 'card', { event: 'removed' });
  await network.advance(1_000);
  assert.deepEqual(got, [['moved', 4, 5]]);
  const page = client.history('board:1');
  await network.settle();
  assert.deepEqual((await page).messages.map(({ event }) => event), ['moved', 'moved', undefined, 'removed', 'moved', 'removed']); // biome-ignore format: one line
});

test('the function of a channel and the watchers of the server know the event', async (t) => {
  const asked: PublishRequest['event'][] = [];
  const publish = (_who: unknown, _channel: string, _data: unknown, { event }: PublishRequest) => {
    asked.push(event);
    return event !== 'forbidden';
  };
  const { network, hub, client } = setUp(t, { channels: { '*': { publish } } });
  const watched: unknown[] = [];
  await hub.watch('*', (_channel, data, _position, { event }) => watched.push([data, event]));
  const sent = [client.publish('a', 1, { event: 'moved' }), client.publish('a', 2)];
  const refused = assert.rejects(client.publish('a', 3, { event: 'forbidden' }), { code: 'FORBIDDEN' });
  await network.settle();
  await Promise.all([...sent, refused]);
  assert.deepEqual(asked, ['moved', undefined, 'forbidden']);
  assert.deepEqual(watched, [
    [1, 'moved'],
    [2, undefined],
  ]);
});

test('the same key with another event is another publication, and the same one is stored once', async (t) => {
  const { hub } = setUp(t);
  const first = await hub.publish('a', 1, { key: 'k', event: 'moved' });
  assert.deepEqual(await hub.publish('a', 1, { key: 'k', event: 'moved' }), first);
  await assert.rejects(hub.publish('a', 1, { key: 'k', event: 'removed' }), { code: 'KEY_REUSED' });
  await assert.rejects(hub.publish('a', 1, { key: 'k' }), { code: 'KEY_REUSED' });
  for (const event of ['', 'x'.repeat(65), 7]) await assert.rejects(hub.publish('a', 1, { event: event as string }), { code: 'BAD_OPTION' }); // biome-ignore format: one line
});

test('a row of a view has its event, before and after it is stored', async (t) => {
  const { network, client } = setUp(t);
  const view = channelView(client, 'a');
  t.after(view.subscribe(() => {}));
  const events = () => view.getSnapshot().messages.map(({ status, event }) => [status, event]);
  void view.publish(1, { event: 'moved' });
  assert.deepEqual(events(), [['sending', 'moved']]);
  await network.settle();
  assert.deepEqual(events(), [['stored', 'moved']]);
});
