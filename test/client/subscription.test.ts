import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FEED_TRANSITIONS } from '../../src/client/feed.ts';
import { type FeedState, type Message, ProtocolError, type Subscription } from '../../src/client/index.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

function dataOf(chat: Subscription): unknown[] {
  const data: unknown[] = [];
  chat.on('message', (message) => data.push(message.data));
  return data;
}

test('a publication after the subscription arrives with its position and publisher', async () => {
  const { hub, client } = setUp();
  hub.publish('chat:42', 'before');
  const chat = client.subscribe('chat:42');
  const messages: Message[] = [];
  chat.on('message', (message) => messages.push(message));
  await hub.settle();
  assert.equal(chat.state, 'live');
  assert.deepEqual(chat.position, ['e1', 1]);
  hub.publish('chat:42', 'hola', 'a key of somebody');
  await hub.settle();
  assert.deepEqual(messages, [
    { channel: 'chat:42', data: 'hola', position: ['e1', 2], mine: false, key: 'a key of somebody' },
  ]);
});

test('`since` delivers what was missed, and then live messages', async () => {
  const { hub, client } = setUp();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  const chat = client.subscribe('chat:42', { since: ['e1', 1] });
  const data = dataOf(chat);
  await hub.settle();
  hub.publish('chat:42', 4);
  await hub.settle();
  assert.deepEqual(data, [2, 3, 4]);
});

test('`recent` delivers the newest messages, and only the first time', async () => {
  const { hub, client, comeBack } = setUp();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  const data = dataOf(client.subscribe('chat:42', { recent: 2 }));
  await hub.settle();
  hub.cut();
  hub.publish('chat:42', 4);
  await comeBack();
  assert.deepEqual(data, [2, 3, 4]);
});

test('after a loss, every subscription continues where it was', async () => {
  const { hub, client, comeBack } = setUp();
  const [a, b] = [dataOf(client.subscribe('chat:a')), dataOf(client.subscribe('chat:b'))];
  await hub.settle();
  hub.publish('chat:a', 1);
  await hub.settle();
  hub.restart();
  hub.publish('chat:a', 2);
  hub.publish('chat:b', 3);
  await comeBack();
  assert.deepEqual([a, b], [[1, 2], [3]]);
});

test('messages that the log no longer has are reported once, and then it continues', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42');
  const data = dataOf(chat);
  const gaps: unknown[] = [];
  chat.on('gap', (gap) => gaps.push(gap));
  await hub.settle();
  hub.cut();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  hub.trim('chat:42', 1);
  await comeBack();
  hub.publish('chat:42', 4);
  await hub.settle();
  assert.deepEqual(gaps, [{ channel: 'chat:42', have: ['e1', 0], oldest: 3, head: 3, epoch: 'e1' }]);
  assert.deepEqual(data, [4]);
  assert.deepEqual(hub.heardOf('get'), [], 'there is nothing to fetch');
});

test('a new log is a gap too, and its positions are used from then on', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42');
  const gaps: unknown[] = [];
  chat.on('gap', ({ have, epoch }) => gaps.push([have, epoch]));
  hub.publish('chat:42', 1);
  await hub.settle();
  hub.cut();
  hub.logs.set('chat:42', { epoch: 'e2', entries: [], oldest: 1, members: [] });
  await comeBack();
  assert.deepEqual(gaps, [[['e1', 1], 'e2']]);
  assert.deepEqual(chat.position, ['e2', 0]);
});

test('a position that the log never assigned is a gap, not an end', async () => {
  const { hub, client } = setUp();
  hub.publish('chat:42', 1);
  const chat = client.subscribe('chat:42', { since: ['e1', 9] });
  const gaps: unknown[] = [];
  chat.on('gap', (gap) => gaps.push(gap));
  await hub.settle();
  assert.deepEqual(gaps, [{ channel: 'chat:42', have: ['e1', 9], oldest: 2, head: 1, epoch: 'e1' }]);
  assert.equal(chat.state, 'live');
});

test('duplicates are ignored, and missing messages are fetched', async () => {
  const { hub, client } = setUp();
  const data = dataOf(client.subscribe('chat:42'));
  await hub.settle();
  hub.publish('chat:42', 1);
  hub.tell('chat:42', (ch) => ['m', ch, 1, 'again']);
  hub.publish('chat:42', 2);
  hub.line.down.splice(2); // the second is lost on the way
  hub.publish('chat:42', 3);
  await hub.settle();
  assert.deepEqual(data, [1, 2, 3]);
});

test('skipped messages are reported, and not fetched again', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const skipped: unknown[] = [];
  chat.on('skip', (event) => skipped.push(event));
  await hub.settle();
  hub.tell('chat:42', (ch) => ['skip', ch, 3]);
  hub.tell('chat:42', (ch) => ['m', ch, 4, 'next']);
  const data = dataOf(chat);
  await hub.settle();
  assert.deepEqual(skipped, [{ channel: 'chat:42', from: 1, to: 3 }]);
  assert.deepEqual(data, ['next']);
  assert.equal(hub.heardOf('sub').length, 1);
});

test('a message that is in no log arrives without a position', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const messages: Message[] = [];
  chat.on('message', (message) => messages.push(message));
  await hub.settle();
  for (const data of ['typing', 'typing']) hub.tell('chat:42', (ch) => ['m', ch, 0, data]);
  await hub.settle();
  assert.deepEqual(messages, [
    { channel: 'chat:42', data: 'typing', mine: false },
    { channel: 'chat:42', data: 'typing', mine: false },
  ]);
  assert.deepEqual(chat.position, ['e1', 0]);
});

test('several subscriptions to one channel share one, until the last one ends', async () => {
  const { hub, client } = setUp();
  const [first, second] = [client.subscribe('chat:42'), client.subscribe('chat:42')];
  const data = [dataOf(first), dataOf(second)];
  await hub.settle();
  assert.equal(hub.heardOf('sub').length, 1);
  hub.publish('chat:42', 1);
  await hub.settle();
  first.unsubscribe();
  hub.publish('chat:42', 2);
  await hub.settle();
  assert.deepEqual(data, [[1], [1, 2]]);
  assert.equal(hub.heardOf('un').length, 0);
  second.unsubscribe();
  second.unsubscribe();
  await hub.settle();
  assert.equal(hub.heardOf('un').length, 1);
  assert.equal(hub.line.subscriptions.size, 0);
  assert.deepEqual([first.state, second.state], ['ended', 'ended']);
});

test('a later subscription with an older position gets everything since then; the others get nothing twice', async () => {
  const { hub, client } = setUp();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  const first = dataOf(client.subscribe('chat:42', { since: ['e1', 2] }));
  await hub.settle();
  const second = dataOf(client.subscribe('chat:42', { since: ['e1', 0] }));
  const third = dataOf(client.subscribe('chat:42'));
  await hub.settle();
  hub.publish('chat:42', 4);
  await hub.settle();
  assert.deepEqual([first, second, third], [[3, 4], [1, 2, 3, 4], [4]]);
});

test('a subscription with an older position before the answer gets everything since then', async () => {
  const { hub, client } = setUp();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  client.open();
  await hub.settle();
  const first = dataOf(client.subscribe('chat:42', { since: ['e1', 2] }));
  const second = dataOf(client.subscribe('chat:42', { since: ['e1', 0] }));
  await hub.settle();
  assert.deepEqual([first, second], [[3], [1, 2, 3]]);
  // What the second wants of the past is fetched from the log: nobody leaves for it.
  assert.deepEqual(
    hub.heard.map(([verb]) => verb),
    ['hi', 'sub', 'get'],
  );
});

test('a gap of one subscription is not a gap of the others', async () => {
  const { hub, client } = setUp();
  for (const data of [1, 2, 3, 4]) hub.publish('chat:42', data);
  const first = client.subscribe('chat:42', { since: ['e1', 3] });
  const firstData = dataOf(first);
  const gaps: string[] = [];
  first.on('gap', () => gaps.push('first'));
  await hub.settle();
  hub.trim('chat:42', 2);
  const second = client.subscribe('chat:42', { since: ['e1', 0] });
  second.on('gap', () => gaps.push('second'));
  const secondData = dataOf(second);
  hub.step(1, 0); // the hub answers with a gap, while more is published
  hub.publish('chat:42', 5);
  await hub.settle();
  hub.publish('chat:42', 6);
  await hub.settle();
  assert.deepEqual(gaps, ['second']);
  assert.deepEqual(firstData, [4, 5, 6]);
  assert.equal(secondData.at(-1), 6);
});

test('a loop gets everything from the subscription on, in order, and ends with it', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  await hub.settle();
  hub.publish('chat:42', 1);
  await hub.settle();
  const seen: number[] = [];
  for await (const { data } of chat) {
    seen.push(data);
    if (data === 1) hub.publish('chat:42', 2);
    if (data === 2) chat.unsubscribe();
    await hub.settle();
  }
  assert.deepEqual(seen, [1, 2]);
});

test('a loop that is left early does not end the subscription, and leaves nothing behind', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42', { recent: 1 });
  hub.publish('chat:42', 1);
  await hub.settle();
  for await (const { data } of chat) {
    assert.equal(data, 1);
    break;
  }
  assert.equal(chat.state, 'live');
  const next = chat[Symbol.asyncIterator]().next();
  hub.publish('chat:42', 2);
  await hub.settle();
  assert.equal((await next).value?.data, 2);
});

test('a loop over a refused subscription throws, and so does one that starts too late', async () => {
  const { hub, client } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'FORBIDDEN', 'not you'] : undefined);
  const chat = client.subscribe('secret');
  const errors: unknown[] = [];
  chat.on('error', (error) => errors.push(error));
  const loop = chat[Symbol.asyncIterator]();
  await Promise.all([assert.rejects(loop.next(), withCode('FORBIDDEN')), hub.settle()]);
  assert.equal(errors.length, 1);
  assert.deepEqual(await loop.next(), { done: true, value: undefined });
  await assert.rejects(chat[Symbol.asyncIterator]().next(), withCode('FORBIDDEN'));
});

test('a refused subscription does not return after a loss; subscribing again is new', async () => {
  const { hub, client, comeBack } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'FORBIDDEN', 'not you'] : undefined);
  client.subscribe('secret');
  await hub.settle();
  hub.cut();
  await comeBack();
  assert.equal(hub.heardOf('sub').length, 1);
  hub.refuse = () => undefined;
  const again = client.subscribe('secret');
  await hub.settle();
  assert.equal(again.state, 'live');
});

test('a temporarily refused subscription is requested again after the pause', async () => {
  const { clock, hub, client } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'UNAVAILABLE', 'not now', 2_000] : undefined);
  const chat = client.subscribe('chat:42');
  await hub.settle();
  assert.equal(chat.state, 'waiting');
  hub.refuse = () => undefined;
  clock.advance(2_249);
  await hub.settle();
  assert.equal(chat.state, 'waiting');
  clock.advance(1);
  await hub.settle();
  assert.equal(chat.state, 'live');
});

test('no pause continues for a subscription that has ended, or whose connection is lost', async () => {
  const { clock, hub, client } = setUp();
  client.open();
  await hub.settle();
  const { pending } = clock;
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'UNAVAILABLE', 'not now', 2_000] : undefined);
  const chat = client.subscribe('chat:42');
  client.subscribe('chat:43');
  await hub.settle();
  assert.equal(clock.pending, pending + 2);
  chat.unsubscribe();
  assert.equal(clock.pending, pending + 1);
  client.close();
  assert.equal(clock.pending, 0);
});

test('a temporary end is followed by a new subscription at the last position', async () => {
  const { clock, hub, client } = setUp();
  const data = dataOf(client.subscribe('chat:42'));
  await hub.settle();
  hub.publish('chat:42', 1);
  await hub.settle();
  hub.line.subscriptions.clear();
  hub.line.say(['end', 'chat:42', 'TOO_SLOW']);
  hub.publish('chat:42', 2);
  await hub.settle();
  clock.advance(500);
  await hub.settle();
  assert.deepEqual(data, [1, 2]);
});

test('a permanent end is an error of the subscription', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const errors: unknown[] = [];
  chat.on('error', (error) => errors.push(error));
  await hub.settle();
  hub.line.say(['end', 'chat:42', 'CLOSED', 'the room was closed']);
  await hub.settle();
  assert.equal(chat.state, 'ended');
  assert.ok(withCode('CLOSED')(errors[0]));
});

test('a subscription that is refused for the token is requested again with a new one', async () => {
  const { hub, client } = setUp({ token: () => 'fresh' });
  hub.refuse = (message) =>
    message[0] === 'sub' && hub.heardOf('auth').length === 0
      ? ['err', message[1], 'UNAUTHORIZED', 'expired']
      : undefined;
  const chat = client.subscribe('chat:42');
  await hub.settle();
  assert.equal(chat.state, 'live');
});

test('the members are known, kept up to date, and loaded again after a loss', async () => {
  const { hub, client, comeBack } = setUp();
  hub.log('chat:42').members = [{ id: 'ana', data: { name: 'Ana' } }];
  const chat = client.subscribe('chat:42', { presence: true, member: { name: 'Natalia' } });
  const events: string[] = [];
  chat.on('presence', ({ joined, left, count }) => events.push(`+${joined?.id} -${left?.id} ${count}`));
  await hub.settle();
  assert.deepEqual([...chat.presence.values()], [{ id: 'ana', data: { name: 'Ana' } }]);
  hub.tell('chat:42', (ch) => ['+', ch, { id: 'luis' }]);
  hub.tell('chat:42', (ch) => ['-', ch, 'ana']);
  hub.tell('chat:42', (ch) => ['-', ch, 'nobody']);
  await hub.settle();
  assert.deepEqual([...chat.presence.keys()], ['luis']);
  hub.cut();
  await comeBack();
  assert.deepEqual([...chat.presence.keys()], ['ana']);
  hub.tell('chat:42', (ch) => ['n', ch, 12_000]);
  await hub.settle();
  assert.equal(chat.count, 12_000);
  assert.equal(chat.presence.size, 0, 'from here on it is only a number');
  assert.deepEqual(events, [
    '+undefined -undefined 1',
    '+luis -undefined 2',
    '+undefined -ana 1',
    '+undefined -undefined 1',
    '+undefined -undefined 12000',
  ]);
  const [, , , wishes] = hub.heardOf('sub')[0]!;
  assert.deepEqual(wishes, { presence: true, member: { name: 'Natalia' }, credit: 256 });
});

test('catching up is paced: more is requested as it is read', async () => {
  const { hub, client } = setUp();
  for (let count = 1; count <= 1_000; count++) hub.publish('chat:42', count);
  const data = dataOf(client.subscribe('chat:42', { since: ['e1', 0] }));
  await hub.settle();
  assert.equal(data.length, 1_000);
  assert.deepEqual(
    hub.heardOf('more').map(([, , count]) => count),
    Array(7).fill(128),
  );
});

test('a loop that is slow to catch up is sent no more than it can hold', async () => {
  const { hub, client } = setUp();
  for (let count = 1; count <= 2_000; count++) hub.publish('chat:42', count);
  const chat = client.subscribe<number>('chat:42', { since: ['e1', 0] });
  const loop = chat[Symbol.asyncIterator]();
  await hub.settle();
  const [subscription] = hub.line.subscriptions.values();
  assert.ok(subscription!.position <= 600, String(subscription!.position));
  for (let count = 1; count <= 2_000; count++) {
    const { value } = await loop.next();
    assert.equal(value?.data, count);
    await hub.settle();
  }
});

test('a loop that is slow on a live channel returns to the log, and misses nothing', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  const loop = chat[Symbol.asyncIterator]();
  await hub.settle();
  const first = loop.next();
  for (let count = 1; count <= 5_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  assert.equal(chat.state, 'catchingUp');
  assert.equal(hub.line.subscriptions.size, 1, 'it has not left');
  assert.equal((await first).value?.data, 1);
  for (let count = 2; count <= 5_000; count++) {
    const { value } = await loop.next();
    assert.equal(value?.data, count);
    if (count % 100 === 0) await hub.settle();
  }
  assert.deepEqual(hub.heardOf('un'), []);
  await hub.settle();
  assert.equal(chat.state, 'live');
});

test('a loop that was left delays nobody, and the next one continues where it was', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  const left = chat[Symbol.asyncIterator]();
  const first = left.next();
  await hub.settle();
  for (let count = 1; count <= 3_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  assert.equal(chat.state, 'catchingUp');
  assert.equal((await first).value?.data, 1);
  await left.return?.();
  assert.equal(chat.state, 'live');
  assert.deepEqual(chat.position, ['e1', 1]);
  const next = chat[Symbol.asyncIterator]();
  for (let count = 2; count <= 3_000; count++) {
    assert.equal((await next.next()).value?.data, count);
    if (count % 100 === 0) await hub.settle();
  }
  assert.deepEqual(chat.position, ['e1', 3_000]);
});

test('history comes in pages, and is requested again after a loss', async () => {
  const { hub, client, comeBack } = setUp();
  for (const data of ['a', 'b', 'c']) hub.publish('chat:42', data);
  const chat = client.subscribe('chat:42');
  await hub.settle();
  const answer = chat.history({ after: ['e1', 1], limit: 1 });
  hub.cut();
  await comeBack();
  const page = await answer;
  assert.deepEqual(page.messages, [{ channel: 'chat:42', data: 'b', position: ['e1', 2], mine: false }]);
  assert.equal(page.head, 3);
});

test('history and presence can be looked up without a subscription', async () => {
  const { hub, client } = setUp();
  for (const data of [1, 2, 3]) hub.publish('chat:42', data);
  hub.log('chat:42').members.push({ id: 'ana', data: 'Ana' });
  const page = client.history('chat:42', { after: ['e1', 1] });
  const presence = client.presence('chat:42');
  await hub.settle();
  assert.deepEqual(
    (await page).messages.map(({ data, channel }) => [channel, data]),
    [
      ['chat:42', 2],
      ['chat:42', 3],
    ],
  );
  assert.deepEqual(await presence, { count: 1, members: [{ id: 'ana', data: 'Ana' }] });
  assert.deepEqual(hub.heardOf('sub'), []);
  client.close();
});

test('an invalid channel name is refused at once', () => {
  const { client } = setUp();
  for (const name of ['', 'two words', '$mine', 'chat:**', '$*'])
    assert.throws(() => client.subscribe(name), withCode('BAD_CHANNEL'), name);
});

test('a listener that throws does not keep the message from the others', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const uncaught: unknown[] = [];
  const { queueMicrotask } = globalThis;
  await hub.settle();
  chat.on('message', () => {
    throw new Error('mine');
  });
  const data = dataOf(chat);
  hub.publish('chat:42', 1);
  globalThis.queueMicrotask = (action) => {
    try {
      action();
    } catch (error) {
      uncaught.push(error);
    }
  };
  try {
    hub.step(0, 1);
  } finally {
    globalThis.queueMicrotask = queueMicrotask;
  }
  assert.deepEqual(data, [1]);
  assert.equal(uncaught.length, 1);
});

test('the changes of state are those of the table', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42');
  const states: FeedState[] = ['waiting'];
  chat.on('state', (state) => states.push(state));
  const loop = chat[Symbol.asyncIterator]();
  await hub.settle();
  for (let count = 1; count <= 3_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  hub.cut();
  await comeBack();
  for (let count = 1; count <= 3_000; count++) {
    await loop.next();
    if (count % 100 === 0) await hub.settle();
  }
  client.close();
  for (let at = 1; at < states.length; at++)
    assert.ok(FEED_TRANSITIONS[states[at - 1]!].includes(states[at]!), `${states[at - 1]} to ${states[at]}`);
  assert.deepEqual(new Set(states), new Set(Object.keys(FEED_TRANSITIONS)));
});
