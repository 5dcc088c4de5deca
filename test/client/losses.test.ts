import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/client/index.ts';
import { ReconnectingSocket } from '../../src/client/reconnecting-socket.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { turn } from '../support/turn.ts';
import { FakeSocket } from './fake-socket.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

const UNSPEAKABLE: Record<string, unknown> = {
  bigint: 1n, bytes: new Uint8Array(2), 'a Buffer': Buffer.from('x'), 'a Map': new Map(), 'a Set': new Set(), NaN: Number.NaN,
  'a function': () => {}, 'a hole': [undefined], 'an error': new Error('x'), within: { a: [{ b: new Map() }] },
}; // biome-ignore format: one line would be one a row.

test('values that JSON would change are refused at once, and leave nothing behind', async () => {
  for (const [name, data] of Object.entries(UNSPEAKABLE)) {
    const { hub, client, clock, errors } = setUp();
    const chat = client.subscribe('chat:42');
    const refused = Promise.all([
      assert.rejects(client.call('x', data), TypeError, name),
      assert.rejects(chat.publish(data), TypeError, name),
      assert.rejects(client.publish('chat:42', data, { keep: false }), TypeError, name),
    ]);
    assert.throws(() => client.subscribe('chat:43', { member: data }), TypeError, name);
    await refused;
    await hub.settle();
    assert.deepEqual([client.unacknowledged, chat.state], [0, 'live'], name);
    const again = client.subscribe('chat:43', { member: { name: 'Ana' } });
    await hub.settle();
    assert.equal(again.state, 'live', name);
    client.close();
    clock.advance(60_000);
    await turn();
    assert.deepEqual([clock.pending, errors], [0, []], name);
  }
});

test('values that JSON can represent arrive unchanged; a date becomes its text, and undefined members are left out', async () => {
  const { hub, client } = setUp();
  const data = { a: [1.5, 'x', null, true, { b: {} }], at: new Date(0), none: undefined, own: Object.create(null) };
  const published = client.publish('chat:42', data);
  await hub.settle();
  await published;
  assert.deepEqual(hub.dataOf('chat:42'), [{ a: data.a, at: '1970-01-01T00:00:00.000Z', own: {} }]);
});

test('messages before the first reader wait for it, and the position does not pass them', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  await hub.settle();
  for (let count = 1; count <= 5_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  assert.deepEqual(chat.position, ['e1', 0]);
  const data: number[] = [];
  chat.on('message', (message) => {
    data.push(message.data);
    assert.deepEqual(chat.position?.[1], message.data);
  });
  await hub.settle();
  assert.deepEqual(
    data,
    Array.from({ length: 5_000 }, (_, index) => index + 1),
  );
  // As many wait as may, and no more.
  assert.deepEqual(hub.heardOf('get')[0]?.[4], { at: ['e1', 2_049], limit: 256 });
});

test('messages lost from the log before the first reader came are a gap', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  const gaps: unknown[] = [];
  chat.on('gap', (gap) => gaps.push(gap));
  await hub.settle();
  for (let count = 1; count <= 5_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  hub.trim('chat:42', 10);
  const data: number[] = [];
  chat.on('message', (message) => data.push(message.data));
  await hub.settle();
  assert.equal(data.length, 2_049);
  assert.deepEqual(gaps, [{ channel: 'chat:42', have: ['e1', 2_049], oldest: 4_991, head: 5_000, epoch: 'e1' }]);
});

test('what the server reports as lost, and the log still has, is read there and is no gap', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe<number>('chat:42');
  const [data, gaps]: [number[], unknown[]] = [[], []];
  chat.on('message', (message) => data.push(message.data));
  chat.on('gap', (gap) => gaps.push(gap));
  await hub.settle();
  for (let count = 1; count <= 3; count++) hub.publish('chat:42', count);
  await hub.settle();
  hub.tell('chat:42', (ch) => ['gap', ch, { have: ['e1', 3], oldest: 2, head: 3, epoch: 'e1' }]);
  for (let count = 4; count <= 5; count++) hub.publish('chat:42', count);
  await hub.settle();
  assert.deepEqual(data, [1, 2, 3, 4, 5]);
  assert.deepEqual(gaps, []);
});

test('without a reader, no more credit is given', async () => {
  const { hub, client } = setUp();
  for (let count = 1; count <= 1_000; count++) hub.publish('chat:42', count);
  const chat = client.subscribe<number>('chat:42', { since: ['e1', 0] });
  await hub.settle();
  assert.deepEqual(hub.heardOf('more'), []);
  const data: number[] = [];
  chat.on('message', (message) => data.push(message.data));
  await hub.settle();
  assert.equal(data.length, 1_000);
  assert.equal(chat.state, 'live');
});

test('a slow loop does not delay other readers, and stays subscribed', async () => {
  const { hub, client } = setUp();
  const slow = client.subscribe<number>('chat:42', { presence: true, member: 'Ana' });
  const fast = client.subscribe<number>('chat:42');
  const loop = slow[Symbol.asyncIterator]();
  const first = loop.next();
  const [beside, other]: [number[], number[]] = [[], []];
  slow.on('message', ({ data }) => beside.push(data));
  fast.on('message', ({ data }) => other.push(data));
  await hub.settle();
  for (let count = 1; count <= 9_000; count++) hub.publish('chat:42', count);
  await hub.settle();
  assert.deepEqual([beside.length, other.length, slow.state, fast.state], [9_000, 9_000, 'catchingUp', 'live']);
  assert.equal((await first).value?.data, 1);
  assert.equal(slow.position?.[1], 1);
  assert.deepEqual([hub.heardOf('un').length, hub.heardOf('sub').length], [0, 1]);
});

test('`keep: false` does not wait for a lost connection, and is neither stored nor counted', async () => {
  const { hub, client, comeBack } = setUp({ outbox: 1 });
  const first = client.publish('chat:42', 'the first use connects', { keep: false });
  await hub.settle();
  assert.equal(await first, undefined);
  hub.cut();
  const kept = client.publish('chat:42', 'kept');
  await assert.rejects(client.publish('chat:42', 'typing', { keep: false }), withCode('CONNECTION_LOST'));
  assert.equal(client.unacknowledged, 1);
  await comeBack();
  await kept;
  hub.refuse = () => null;
  const lost = client.publish('chat:42', 'under way', { keep: false });
  await hub.settle();
  hub.cut();
  await assert.rejects(lost, withCode('CONNECTION_LOST'));
  hub.refuse = () => undefined;
  await comeBack();
  assert.ok(!hub.dataOf('chat:42').includes('typing'));
  assert.equal(hub.heardOf('pub').filter(([, , , data]) => data === 'under way').length, 1);
});

test('a token may be a text, or absent', async () => {
  for (const [token, said] of [
    ['abc', 'abc'],
    [() => 'abc', 'abc'],
    ['', undefined],
    [() => '', undefined],
    [() => null, undefined],
    [() => Promise.resolve(undefined), undefined],
  ] as const) {
    const { hub, client, errors } = setUp({ token });
    client.open();
    await hub.settle();
    assert.deepEqual([client.state, hub.heardOf('hi')[0]?.[2].token, errors], ['open', said, []]);
  }
  const { hub, client, errors } = setUp({ token: (() => 42) as never });
  client.open();
  await hub.settle();
  assert.equal(errors[0]?.name, 'TypeError');
});

test('a refusal without a listener is an error of the client, once', async () => {
  const { hub, client, errors } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'FORBIDDEN', `not ${message[2]}`] : undefined);
  client.subscribe('unheard');
  client.subscribe('heard').on('error', () => {});
  const looped = assert.rejects(client.subscribe('looped')[Symbol.asyncIterator]().next(), withCode('FORBIDDEN'));
  await hub.settle();
  await looped;
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['not unheard'],
  );
  hub.refuse = () => undefined;
  for (const channel of ['a', 'b']) client.subscribe(channel);
  await hub.settle();
  hub.line.say(['bye', 'REPLACED', {}]);
  await hub.settle();
  assert.equal(errors.length, 2, 'what ends the client is told once');
});

test('the client keeps to the limits of the welcome: 256 subscriptions and a full outbox are sent', async () => {
  const { hub, client, clock } = setUp();
  hub.limits = { lines: 100, bytes: 262_144, subscriptions: 256 };
  const chats = Array.from({ length: 256 }, (_, n) => client.subscribe(`chat:${n}`));
  const published = Array.from({ length: 1_000 }, (_, n) => client.publish('chat:0', n));
  await hub.settle();
  for (let second = 0; second < 16; second++) {
    const before = hub.heard.length;
    clock.advance(1_000);
    await hub.settle();
    assert.ok(hub.heard.length - before <= 91, `${hub.heard.length - before} lines in a second`);
  }
  assert.deepEqual(new Set(chats.map(({ state }) => state)), new Set(['live']));
  assert.equal((await Promise.all(published)).at(-1)?.[1], 1_000);
  assert.equal(hub.lines.length, 1);
  for (let n = 0; n < 300; n++) client.publish('chat:0', n);
  await hub.settle();
  await assert.rejects(client.publish('chat:0', 'typing', { keep: false }), withCode('RATE_LIMITED'));
});

test("large data is paced by its bytes, and a line that exceeds one second's limit is still sent", async () => {
  const { hub, client, clock } = setUp();
  hub.limits = { lines: 100, bytes: 1_000 };
  const published = Array.from({ length: 10 }, () => client.publish('chat:0', 'x'.repeat(2_000)));
  await hub.settle();
  assert.equal(hub.heardOf('pub').length, 1);
  for (let second = 0; second < 30; second++) {
    clock.advance(1_000);
    await hub.settle();
  }
  await Promise.all(published);
});

test('the window grows with accepted publications, up to 64', async () => {
  const { hub, client } = setUp({ outbox: 3_000 });
  client.open();
  await hub.settle();
  for (let data = 0; data < 3_000; data++) client.publish('chat:42', data);
  let most = 0;
  for (let round = 0; round < 200; round++) {
    const before = hub.heardOf('pub').length;
    await turn();
    hub.step(Number.POSITIVE_INFINITY, 0);
    most = Math.max(most, hub.heardOf('pub').length - before);
    hub.step(0, Number.POSITIVE_INFINITY);
  }
  assert.equal(most, 64);
});

test('an old `skip` moves nothing back', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42');
  const [data, skips]: [unknown[], unknown[]] = [[], []];
  chat.on('message', (message) => data.push(message.data));
  chat.on('skip', (skip) => skips.push(skip));
  await hub.settle();
  for (const one of [1, 2, 3]) hub.publish('chat:42', one);
  hub.tell('chat:42', (ch) => ['m', ch, 3, 'again']);
  hub.tell('chat:42', (ch) => ['skip', ch, 2]);
  await hub.settle();
  assert.deepEqual([data, skips, chat.position], [[1, 2, 3], [], ['e1', 3]]);
  hub.cut();
  await comeBack();
  assert.deepEqual(hub.heardOf('sub').at(-1)?.[3].at, ['e1', 3]);
});

test('the position to save stays behind the messages that wait for a reader, even when the server skips', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42');
  const reading = chat[Symbol.asyncIterator]();
  await hub.settle();
  hub.publish('chat:42', 1);
  hub.publish('chat:42', 2);
  await hub.settle();
  hub.tell('chat:42', (ch) => ['skip', ch, 5]);
  await hub.settle();
  assert.deepEqual(chat.position, ['e1', 0]);
  await reading.next();
  assert.deepEqual(chat.position, ['e1', 1]);
  await reading.next();
  assert.deepEqual(chat.position, ['e1', 5]);
});

test('an abandoned socket is ignored', () => {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const messages: unknown[] = [];
  const socket = new ReconnectingSocket({
    connect: () => sockets[sockets.push(new FakeSocket()) - 1]!,
    onState: () => {},
    onMessage: (message) => messages.push(message),
    timers: clock,
    random: () => 0.5,
  });
  socket.open();
  sockets[0]!.accept();
  socket.lose();
  clock.advance(socket.retryIn);
  sockets[1]!.accept();
  sockets[0]!.tell('news of the dead');
  sockets[1]!.tell('news');
  assert.deepEqual(messages, ['news']);
});

test('nothing overtakes a publication that waits for a new token', async () => {
  const { hub, client } = setUp({ token: () => 'fresh' });
  client.open();
  await hub.settle();
  let auth: number | undefined;
  hub.refuse = (message) => {
    if (message[0] === 'auth') {
      auth = message[1];
      return null;
    }
    return message[0] === 'pub' && auth === undefined ? ['err', message[1], 'UNAUTHORIZED', 'expired'] : undefined;
  };
  client.publish('chat:42', 1);
  await hub.settle();
  client.publish('chat:42', 2);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), []);
  hub.line.say(['ok', auth!, null]);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), [1, 2]);
});

test('a call that was not sent before its connection was lost is sent on the next', async () => {
  const { hub, client, comeBack } = setUp();
  hub.limits = { lines: 10, bytes: 262_144 };
  client.open();
  await hub.settle();
  const calls = Array.from({ length: 12 }, (_, n) => client.call('add', n).catch(({ code }) => code));
  await Promise.resolve();
  hub.cut();
  await comeBack();
  const results = await Promise.all(calls);
  const made = results.filter((result) => result !== 'CONNECTION_LOST');
  assert.deepEqual(
    made,
    [10, 11].map((data) => ({ method: 'add', data })),
  );
});
