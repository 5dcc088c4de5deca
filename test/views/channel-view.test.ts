import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptIn } from '../../src/client/index.ts';
import { channelView, NOTHING } from '../../src/views/index.ts';
import { setUp } from '../client/set-up.ts';
import { turn } from '../support/turn.ts';

/** A timer of the platform has passed: what nobody listens to any more has ended. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

function publishMany(hub: { publish(channel: string, data: unknown): unknown }, from: number, to: number) {
  for (let count = from; count <= to; count++) hub.publish('chat:42', count);
}

const dataOf = (view: { getSnapshot(): { messages: readonly { data: unknown }[] } }) =>
  view.getSnapshot().messages.map(({ data }) => data);

test('a view without listeners does nothing, and with one it shows what comes', async () => {
  const { hub, client } = setUp();
  const view = channelView(client, 'chat:42');
  assert.equal(view.getSnapshot(), NOTHING);
  assert.equal(client.state, 'closed');
  let told = 0;
  const off = view.subscribe(() => told++);
  await hub.settle();
  assert.equal(view.getSnapshot().state, 'live');
  const before = view.getSnapshot();
  told = 0;
  hub.publish('chat:42', 'hola');
  hub.publish('chat:42', 'adiós');
  await hub.settle();
  assert.equal(told, 1, 'listeners are told once for one frame');
  assert.deepEqual(dataOf(view), ['hola', 'adiós']);
  assert.deepEqual(before.messages, []);
  assert.equal(view.getSnapshot(), view.getSnapshot());
  off();
  off();
  await tick();
  await hub.settle();
  assert.equal(hub.heardOf('un').length, 1);
  assert.equal(view.getSnapshot(), NOTHING);
});

test('when nothing has changed, no listener is called, and the snapshot stays', async () => {
  const { clock, hub, client } = setUp();
  const view = channelView(client, 'chat:42');
  view.subscribe(() => {});
  await hub.settle();
  let told = 0;
  view.subscribe(() => told++);
  const before = view.getSnapshot();
  const other = client.subscribe('chat:43');
  hub.publish('chat:43', 'elsewhere');
  hub.tell('chat:42', (ch) => ['m', ch, 0, 'typing']); // not kept
  hub.tell('chat:42', (ch) => ['-', ch, 'nobody']);
  await hub.settle();
  clock.advance(30_000);
  await hub.settle();
  other.unsubscribe();
  assert.equal(view.getSnapshot(), before);
  assert.equal(told, 0);
});

test('a component that is mounted again within a tick keeps its subscription', async () => {
  const { hub, client } = setUp();
  const mount = () => channelView(client, 'chat:42', { member: { name: 'Ana' } }).subscribe(() => {});
  const first = mount();
  await hub.settle();
  // As React does in strict mode, and as a route does that shows the same channel.
  first();
  const second = mount();
  second();
  const third = mount();
  const fourth = mount();
  third();
  await tick();
  await hub.settle();
  assert.deepEqual([hub.heardOf('sub').length, hub.heardOf('un').length], [1, 0]);
  fourth();
  await tick();
  await hub.settle();
  assert.equal(hub.heardOf('un').length, 1);
});

test('what is published is shown at once under its key, and becomes the message', async () => {
  const { hub, client } = setUp();
  const [view, other] = [channelView(client, 'chat:42'), channelView(client, 'chat:42', { recent: 5 })];
  for (const each of [view, other]) each.subscribe(() => {});
  await hub.settle();
  const published = view.publish('hola');
  const { key } = published;
  assert.ok(key);
  for (const each of [view, other]) {
    const [row] = each.getSnapshot().messages;
    assert.deepEqual([row?.id, row?.data, row?.status, row?.mine], [key, 'hola', 'sending', true]);
  }
  hub.publish('chat:42', 'before it');
  await hub.settle();
  assert.equal((await published)?.[1], 2);
  for (const each of [view, other]) {
    const rows = each.getSnapshot().messages;
    assert.deepEqual(
      rows.map(({ data, status, mine }) => [data, status, mine]),
      [
        ['before it', 'stored', false],
        ['hola', 'stored', true],
      ],
    );
    assert.equal(rows[1]?.id, key);
  }
});

test('what is not kept has no row and no key', async () => {
  const { hub, client } = setUp();
  const view = channelView(client, 'chat:42');
  view.subscribe(() => {});
  await hub.settle();
  const published = view.publish('typing', { keep: false });
  assert.equal(published.key, undefined);
  assert.deepEqual(dataOf(view), []);
  await hub.settle();
});

test('a refused publication stays with its error, can be tried again or discarded, and nobody has to catch it', async () => {
  const { hub, client } = setUp();
  const view = channelView(client, 'chat:42');
  view.subscribe(() => {});
  await hub.settle();
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'FORBIDDEN', 'read only'] : undefined);
  view.publish('hola');
  view.publish('adiós');
  await hub.settle();
  const [hola, adios] = view.getSnapshot().messages;
  assert.deepEqual([hola?.status, (hola?.error as { code?: string } | undefined)?.code], ['failed', 'FORBIDDEN']);
  view.discard(adios!);
  hub.refuse = () => undefined;
  const again = view.retry(hola!);
  assert.deepEqual(
    view.getSnapshot().messages.map(({ data, status }) => [data, status]),
    [['hola', 'sending']],
  );
  await hub.settle();
  assert.equal((await again)?.[1], 1);
  const [stored] = view.getSnapshot().messages;
  assert.equal(stored?.status, 'stored');
  assert.equal(view.retry(stored!), undefined);
  view.discard(stored!);
  assert.deepEqual(dataOf(view), ['hola']);
});

test('offline, rows wait as sending, and after the return each is there once in the order of the log', async () => {
  const { hub, client, comeBack } = setUp();
  const view = channelView(client, 'chat:42');
  view.subscribe(() => {});
  await hub.settle();
  hub.cut();
  const keys = ['a', 'b', 'c'].map((data) => view.publish(data).key);
  hub.publish('chat:42', 'of others');
  assert.deepEqual(
    view.getSnapshot().messages.map(({ status }) => status),
    ['sending', 'sending', 'sending'],
  );
  assert.equal(view.getSnapshot().state, 'waiting');
  await comeBack();
  assert.deepEqual(dataOf(view), ['of others', 'a', 'b', 'c']);
  assert.deepEqual(
    view
      .getSnapshot()
      .messages.slice(1)
      .map(({ id }) => id),
    keys,
  );
  assert.equal(view.getSnapshot().state, 'live');
});

test('what an earlier page left is shown as sending, and is there once when it is stored', async () => {
  const items = new Map<string, string>();
  const storage = keptIn({
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  });
  const earlier = setUp({ storage });
  earlier.client.publish('chat:42', 'typed offline').catch(() => {});
  earlier.client.close();
  const { hub, client } = setUp({ storage });
  const view = channelView(client, 'chat:42', { recent: 10 });
  view.subscribe(() => {});
  await turn();
  assert.deepEqual(
    view.getSnapshot().messages.map(({ data, status }) => [data, status]),
    [['typed offline', 'sending']],
  );
  await hub.settle();
  assert.deepEqual(
    view.getSnapshot().messages.map(({ data, status, mine }) => [data, status, mine]),
    [['typed offline', 'stored', true]],
  );
});

test('what another part of the page publishes is shown as well, and goes when it is refused', async () => {
  const { hub, client } = setUp();
  const view = channelView(client, 'chat:42');
  view.subscribe(() => {});
  await hub.settle();
  const shown = () => view.getSnapshot().messages.map(({ data, status }) => `${data} ${status}`);
  const elsewhere = client.publish('chat:42', 'hola');
  client.publish('chat:43', 'not here');
  assert.deepEqual(shown(), ['hola sending']);
  await hub.settle();
  await elsewhere;
  assert.deepEqual(shown(), ['hola stored']);
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'FORBIDDEN', 'read only'] : undefined);
  const refused = client.publish('chat:42', 'refused');
  assert.deepEqual(shown(), ['hola stored', 'refused sending']);
  await Promise.all([assert.rejects(refused, { code: 'FORBIDDEN' }), hub.settle()]);
  assert.deepEqual(shown(), ['hola stored']);
});

test('older pages come before what is shown, until the log has no more', async () => {
  const { hub, client } = setUp();
  publishMany(hub, 1, 130);
  hub.trim('chat:42', 125); // 6 to 130
  const view = channelView(client, 'chat:42', { recent: 20 });
  view.subscribe(() => {});
  await hub.settle();
  assert.deepEqual([dataOf(view).at(0), dataOf(view).length, view.getSnapshot().hasOlder], [111, 20, true]);
  const loading = view.loadOlder();
  assert.equal(view.getSnapshot().isLoadingOlder, true);
  await Promise.all([view.loadOlder(), hub.settle(), loading]); // a second one at the same time does nothing
  assert.deepEqual([dataOf(view).at(0), dataOf(view).length, view.getSnapshot().hasOlder], [61, 70, true]);
  hub.publish('chat:42', 131);
  await Promise.all([view.loadOlder(1_000), hub.settle()]);
  const { hasOlder, isLoadingOlder } = view.getSnapshot();
  assert.deepEqual([hasOlder, isLoadingOlder], [false, false]);
  assert.deepEqual(
    dataOf(view),
    Array.from({ length: 126 }, (_, index) => index + 6),
  );
  await view.loadOlder();
  assert.equal(hub.heardOf('get').length, 2);
});

test('a view that starts with nothing has older pages, where the log has any', async () => {
  const { hub, client } = setUp();
  publishMany(hub, 1, 3);
  const view = channelView(client, 'chat:42');
  const empty = channelView(client, 'chat:43');
  const short = channelView(client, 'chat:42', { recent: 10 });
  for (const each of [view, empty]) each.subscribe(() => {});
  await hub.settle();
  assert.deepEqual([dataOf(view), view.getSnapshot().hasOlder, empty.getSnapshot().hasOlder], [[], true, false]);
  // The second one of a channel asks for what the first did not want.
  short.subscribe(() => {});
  await hub.settle();
  assert.deepEqual([dataOf(short), short.getSnapshot().hasOlder], [[1, 2, 3], false]);
  await Promise.all([view.loadOlder(2), hub.settle()]);
  assert.deepEqual([dataOf(view), view.getSnapshot().hasOlder], [[2, 3], true]);
});

test('a page that is refused rejects, and can be asked for again', async () => {
  const { hub, client } = setUp();
  publishMany(hub, 1, 30);
  const view = channelView(client, 'chat:42', { recent: 5 });
  view.subscribe(() => {});
  await hub.settle();
  hub.refuse = (message) => (message[0] === 'get' ? ['err', message[1], 'FORBIDDEN', 'no'] : undefined);
  await Promise.all([assert.rejects(view.loadOlder(), { code: 'FORBIDDEN' }), hub.settle()]);
  assert.deepEqual([view.getSnapshot().isLoadingOlder, view.getSnapshot().hasOlder], [false, true]);
  hub.refuse = () => undefined;
  await Promise.all([view.loadOlder(), hub.settle()]);
  assert.equal(dataOf(view)[0], 1);
});

test('only so many messages are kept as the limit says, and the others are older pages again', async () => {
  const { hub, client } = setUp();
  const view = channelView(client, 'chat:42', { recent: 10, limit: 10 });
  view.subscribe(() => {});
  await hub.settle();
  publishMany(hub, 1, 25);
  await hub.settle();
  assert.deepEqual([dataOf(view)[0], dataOf(view).length, view.getSnapshot().hasOlder], [16, 10, true]);
  await Promise.all([view.loadOlder(5), hub.settle()]);
  publishMany(hub, 26, 27);
  await hub.settle();
  assert.deepEqual([dataOf(view)[0], dataOf(view).length], [13, 15]);
});

test('after a loss, the list begins again with the newest that the log has, and says what was lost', async () => {
  const { hub, client, comeBack } = setUp();
  publishMany(hub, 1, 10);
  const view = channelView(client, 'chat:42', { recent: 5 });
  view.subscribe(() => {});
  await hub.settle();
  hub.cut();
  publishMany(hub, 11, 40);
  hub.trim('chat:42', 8); // 33 to 40
  await comeBack();
  assert.deepEqual(dataOf(view), [36, 37, 38, 39, 40]);
  const { gap, hasOlder } = view.getSnapshot();
  assert.deepEqual([gap?.have[1], gap?.oldest, hasOlder], [10, 33, true]);
  hub.publish('chat:42', 41);
  await Promise.all([view.loadOlder(), hub.settle()]);
  assert.deepEqual([dataOf(view)[0], dataOf(view).at(-1), view.getSnapshot().hasOlder], [33, 41, false]);
});

test('presence is another object with each change, and what was read stays', async () => {
  const { hub, client } = setUp();
  hub.log('chat:42').members = [{ id: 'ana' }];
  const view = channelView(client, 'chat:42', { presence: true });
  view.subscribe(() => {});
  await hub.settle();
  const { presence } = view.getSnapshot();
  assert.deepEqual([[...presence.members.keys()], presence.count], [['ana'], 1]);
  hub.tell('chat:42', (ch) => ['+', ch, { id: 'luis', data: { name: 'Luis' } }]);
  await hub.settle();
  assert.deepEqual([...view.getSnapshot().presence.members.keys()], ['ana', 'luis']);
  assert.equal(presence.members.size, 1);
  hub.publish('chat:42', 'hola');
  const after = view.getSnapshot().presence;
  await hub.settle();
  assert.equal(view.getSnapshot().presence, after, 'a message does not change who is there');
});

test('a member changes in place, and the list stays', async () => {
  const { hub, client } = setUp();
  hub.publish('chat:42', 'hola');
  const view = channelView(client, 'chat:42', { recent: 5, member: { name: 'Ana' } });
  view.subscribe(() => {});
  await hub.settle();
  const changed = view.setMember({ name: 'Ana', away: true });
  while (hub.heardOf('set').length === 0) await hub.settle(); // its code is loaded late
  await Promise.all([changed, hub.settle()]);
  assert.deepEqual(hub.heardOf('set')[0]?.[3], { member: { name: 'Ana', away: true } });
  assert.deepEqual([dataOf(view), hub.heardOf('un').length, hub.heardOf('sub').length], [['hola'], 0, 1]);
});

test('a subscription that the server refuses is ended with its error', async () => {
  const { hub, client, errors } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'FORBIDDEN', 'not yours'] : undefined);
  const view = channelView(client, 'chat:42');
  const off = view.subscribe(() => {});
  await hub.settle();
  const { state, error } = view.getSnapshot();
  assert.deepEqual([state, (error as { code?: string } | undefined)?.code], ['ended', 'FORBIDDEN']);
  assert.deepEqual(errors, []);
  // Mounted again, it tries again.
  off();
  await tick();
  hub.refuse = () => undefined;
  view.subscribe(() => {});
  await hub.settle();
  assert.equal(view.getSnapshot().state, 'live');
});

test('a name that is not a channel throws at the listener, and leaves nothing behind', async () => {
  const { client } = setUp();
  const view = channelView(client, 'no channel');
  for (let time = 0; time < 2; time++) assert.throws(() => view.subscribe(() => {}), { code: 'BAD_CHANNEL' });
  assert.equal(view.getSnapshot(), NOTHING);
});

test('a view refuses an option that there is not when it is made, with the nearest one', () => {
  const { client } = setUp();
  assert.throws(() => channelView(client, 'chat:42', { limti: 5 } as object), {
    code: 'BAD_OPTION',
    message: /^no option limti: did you mean limit,/,
  });
});
