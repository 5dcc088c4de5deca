import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptIn, type Message, ProtocolError } from '../../src/client/index.ts';
import { FakeStorage } from './fake-storage.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

test('a publication resolves with its position once it is in the log', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const published = chat.publish({ text: 'hola' });
  await hub.settle();
  assert.deepEqual(await published, ['e1', 1]);
  assert.deepEqual(hub.dataOf('chat:42'), [{ text: 'hola' }]);
  assert.equal(client.unacknowledged, 0);
});

test('publications of one turn are sent in one frame, in order', async () => {
  const { hub, client } = setUp();
  client.open();
  await hub.settle();
  hub.line.sent.length = 0;
  for (const data of [1, 2, 3]) client.publish('chat:42', data);
  await hub.settle();
  assert.equal(hub.line.sent.length, 1);
  assert.deepEqual(hub.dataOf('chat:42'), [1, 2, 3]);
});

test('a publication without a connection is sent when there is one', async () => {
  const { hub, client } = setUp();
  hub.accepts = false;
  const published = [client.publish('chat:42', 1), client.publish('chat:42', 2)];
  await hub.settle();
  assert.equal(client.unacknowledged, 2);
  hub.accepts = true;
  await hub.settle();
  assert.deepEqual(await Promise.all(published), [
    ['e1', 1],
    ['e1', 2],
  ]);
});

test('a publication whose answer was lost is not stored twice', async () => {
  const { hub, client, comeBack } = setUp();
  client.open();
  await hub.settle();
  const published = client.publish('chat:42', 'once');
  await Promise.resolve();
  hub.step(1, 0); // the hub reads it; its answer does not arrive
  hub.cut();
  await comeBack();
  assert.deepEqual(await published, ['e1', 1]);
  assert.equal(hub.heardOf('pub').length, 2);
  assert.deepEqual(hub.dataOf('chat:42'), ['once']);
});

test('the outbox recognises its own echo by the key', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const mine: [unknown, boolean][] = [];
  chat.on('message', (message: Message) => mine.push([message.data, message.mine]));
  await hub.settle();
  chat.publish('from me');
  await hub.settle();
  hub.publish('chat:42', 'from another', 'another-key');
  await hub.settle();
  assert.deepEqual(mine, [
    ['from me', true],
    ['from another', false],
  ]);
});

test('a refused publication rejects with the code, and later ones continue', async () => {
  const { hub, client } = setUp();
  hub.refuse = (message) =>
    message[0] === 'pub' && message[3] === 'bad' ? ['err', message[1], 'BAD_DATA', 'not like that'] : undefined;
  const published = [client.publish('chat:42', 'bad'), client.publish('chat:42', 'good')];
  await Promise.all([assert.rejects(published[0]!, withCode('BAD_DATA')), hub.settle()]);
  assert.deepEqual(await published[1], ['e1', 1]);
});

test('a temporarily refused publication is sent again after the pause, and nothing new overtakes it', async () => {
  const { clock, hub, client } = setUp();
  let limited = true;
  hub.refuse = (message) =>
    message[0] === 'pub' && message[2] === 'chat:42' && limited
      ? ['err', message[1], 'RATE_LIMITED', 'slowly', 1_000]
      : undefined;
  client.publish('chat:42', 1);
  client.publish('chat:42', 2);
  await hub.settle();
  limited = false;
  client.publish('chat:42', 3);
  const other = client.publish('chat:43', 'another channel');
  await hub.settle();
  await other;
  assert.deepEqual(hub.dataOf('chat:42'), []);
  clock.advance(1_250);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [1, 2, 3]);
});

test('after a refusal one publication is sent alone, and the others follow when it was accepted', async () => {
  const { clock, hub, client } = setUp();
  let limited = true;
  hub.refuse = (message) =>
    message[0] === 'pub' && limited ? ['err', message[1], 'RATE_LIMITED', 'slowly', 1_000] : undefined;
  for (const data of [1, 2, 3]) client.publish('chat:42', data);
  await hub.settle();
  limited = false;
  const before = hub.heardOf('pub').length;
  clock.advance(1_250);
  await Promise.resolve();
  hub.step(1, 0);
  assert.equal(hub.heardOf('pub').length, before + 1);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [1, 2, 3]);
});

test('a publication is tried five times, and then its publisher is told', async () => {
  const { clock, hub, client } = setUp();
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'UNAVAILABLE', 'the disk is full'] : undefined);
  const published = client.publish('chat:42', 1);
  const told = assert.rejects(published, withCode('UNAVAILABLE'));
  for (let round = 0; round < 10; round++) {
    await hub.settle();
    clock.advance(15_000);
  }
  await told;
  assert.equal(hub.heardOf('pub').length, 5);
});

test('a publication that is too large for any frame is refused after the server closed for it, and only that one', async () => {
  const { hub, client, comeBack } = setUp();
  client.open();
  await hub.settle();
  const large = client.publish('chat:42', 'x'.repeat(100_000));
  const small = client.publish('chat:42', 'small');
  await Promise.resolve();
  hub.line.drop(1009);
  await assert.rejects(large, withCode('TOO_LARGE'));
  await comeBack();
  assert.deepEqual(await small, ['e1', 1]);
});

test('a publication that a new token does not help is refused, and delays no other', async () => {
  const { hub, client } = setUp({ token: () => 'fresh' });
  hub.refuse = (message) =>
    message[0] === 'auth' || (message[0] === 'pub' && message[3] === 'bad')
      ? ['err', message[1], 'UNAUTHORIZED', 'no']
      : undefined;
  const bad = client.publish('chat:42', 'bad');
  await Promise.all([assert.rejects(bad, withCode('UNAUTHORIZED')), hub.settle()]);
  const good = client.publish('chat:42', 'good');
  await hub.settle();
  assert.deepEqual(await good, ['e1', 1]);
});

test('publishing to an ended subscription is refused', async () => {
  const { client } = setUp();
  const chat = client.subscribe('chat:42');
  client.close();
  await assert.rejects(chat.publish(1), withCode('CLOSED'));
});

test('a publication that is refused for the token is sent again with a new one', async () => {
  const { hub, client } = setUp({ token: () => 'fresh' });
  hub.refuse = (message) =>
    message[0] === 'pub' && hub.heardOf('auth').length === 0
      ? ['err', message[1], 'UNAUTHORIZED', 'expired']
      : undefined;
  const published = client.publish('chat:42', 1);
  await hub.settle();
  assert.deepEqual(await published, ['e1', 1]);
});

test('the outbox is limited, and refuses further publications', async () => {
  const { hub, client } = setUp({ outbox: 3 });
  hub.accepts = false;
  const published = [1, 2, 3].map((data) => client.publish('chat:42', data));
  await assert.rejects(client.publish('chat:42', 4), withCode('OUTBOX_FULL'));
  hub.accepts = true;
  await hub.settle();
  await Promise.all(published);
  const later = client.publish('chat:42', 5);
  await hub.settle();
  await later;
  assert.deepEqual(hub.dataOf('chat:42'), [1, 2, 3, 5]);
});

test('a limited number is in flight at a time, however many wait', async () => {
  const { hub, client } = setUp();
  client.open();
  await hub.settle();
  for (let data = 0; data < 500; data++) client.publish('chat:42', data);
  await Promise.resolve();
  hub.step(1, 0);
  assert.equal(hub.heardOf('pub').length, 16);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [...Array(500).keys()]);
});

test('data is published as it was at that moment; values that JSON cannot represent are refused', async () => {
  const { hub, client } = setUp();
  const data = { text: 'before' };
  client.publish('chat:42', data);
  data.text = 'after';
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [{ text: 'before' }]);
  await assert.rejects(client.publish('chat:42', undefined), TypeError);
  await assert.rejects(client.publish('chat:42', 1n), TypeError);
  assert.equal(client.unacknowledged, 0);
});

test('publications that a page could not send are sent by the next page, in order and once', async () => {
  const storage = new FakeStorage();
  const first = setUp({ storage: keptIn(storage) });
  first.client.open();
  await first.hub.settle();
  for (const data of [1, 2, 3]) first.client.publish('chat:42', data).catch(() => {});
  await Promise.resolve();
  first.hub.step(1, 0); // stored, but the page is gone before the answer
  storage.items.set('zocalo:ws://hub/:broken', 'not ours');
  storage.items.set('of the page', 'something else');

  const second = setUp({ storage: keptIn(storage) });
  second.hub.logs.set('chat:42', first.hub.log('chat:42'));
  const chat = second.client.subscribe('chat:42', { since: ['e1', 0] });
  const seen: unknown[] = [];
  chat.on('message', ({ data, mine }) => seen.push([data, mine]));
  chat.publish(4);
  const waiting = () => second.client.waiting.map(({ channel, data }) => [channel, data]);
  assert.deepEqual(
    waiting(),
    [1, 2, 3, 4].map((data) => ['chat:42', data]),
  );
  await second.hub.settle();
  assert.deepEqual(waiting(), []);
  assert.deepEqual(second.hub.dataOf('chat:42'), [1, 2, 3, 4]);
  assert.deepEqual(
    seen,
    [1, 2, 3, 4].map((data) => [data, true]),
  );
  assert.deepEqual([...storage.items.keys()], ['of the page']);
});

test('a message that is in no log has no position, and one that is has it', async () => {
  const { hub, client } = setUp();
  const messages: Message[] = [];
  client.subscribe('chat:42').on('message', (message) => messages.push(message));
  await hub.settle();
  hub.tell('chat:42', (ch) => ['m', ch, 0, 'typing']);
  hub.publish('chat:42', 'hola');
  await hub.settle();
  assert.deepEqual(messages, [
    { channel: 'chat:42', data: 'typing', mine: false },
    { channel: 'chat:42', data: 'hola', mine: false, position: ['e1', 1] },
  ]);
});

test('however many publications a page leaves behind, the next one sends them in their order', async () => {
  const storage = new FakeStorage();
  const first = setUp({ storage: keptIn(storage) });
  const all = Array.from({ length: 100 }, (_, n) => n);
  for (const n of all) first.client.publish('chat:42', n).catch(() => {});
  first.client.close();
  const { hub, client } = setUp({ storage: keptIn(storage) });
  client.open();
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), all);
});

test('a restored publication that the server refuses is reported as an error', async () => {
  const storage = new FakeStorage();
  const first = setUp({ storage: keptIn(storage) });
  first.hub.accepts = false;
  first.client.publish('chat:42', 1).catch(() => {});
  const { hub, client, errors } = setUp({ storage: keptIn(storage) });
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'FORBIDDEN', 'not you'] : undefined);
  client.open();
  await hub.settle();
  assert.ok(withCode('FORBIDDEN')(errors[0]));
  assert.equal(storage.length, 0);
});

test('a publication that does not fit into the storage is refused', async () => {
  const storage = new FakeStorage();
  storage.isFull = true;
  const { client } = setUp({ storage: keptIn(storage) });
  await assert.rejects(client.publish('chat:42', 1), { message: 'QuotaExceededError' });
  assert.equal(client.unacknowledged, 0);
});

test('closing rejects unacknowledged publications; a storage keeps them for the next page', async () => {
  const storage = new FakeStorage();
  const { hub, client } = setUp({ storage: keptIn(storage) });
  hub.accepts = false;
  const published = client.publish('chat:42', 1);
  const call = client.call('add');
  client.close();
  await assert.rejects(published, withCode('CLOSED'));
  await assert.rejects(call, withCode('CLOSED'));
  hub.accepts = true;
  client.open();
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [1]);
  assert.equal(storage.length, 0);
});
