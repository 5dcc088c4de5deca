import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client, ProtocolError } from '../../src/client/index.ts';
import type { HubOptions } from '../../src/hub/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

/** A channel with ten messages. */
function withTen() {
  const set = setUp();
  for (let count = 1; count <= 10; count++) set.hub.publish('chat:42', count);
  return set;
}

const dataOf = (chat: { on(name: 'message', listener: (event: { data: unknown }) => void): unknown }) => {
  const data: unknown[] = [];
  chat.on('message', (message) => data.push(message.data));
  return data;
};

test('each subscription gets as many of the newest messages as it wants, in whatever order they are made', async () => {
  const wanted = [0, 3, 1, 50];
  for (const order of [wanted, wanted.toReversed()])
    for (const when of ['at once', 'one after the other', 'while there is no connection']) {
      const { hub, client, comeBack } = withTen();
      client.subscribe('other');
      await hub.settle();
      if (when.startsWith('while')) hub.cut();
      const got = new Map<number, unknown[]>();
      for (const recent of order) {
        got.set(recent, dataOf(client.subscribe('chat:42', { recent })));
        if (when.startsWith('one')) await hub.settle();
      }
      if (when.startsWith('while')) await comeBack();
      await hub.settle();
      hub.publish('chat:42', 11);
      await hub.settle();
      const all = Array.from({ length: 11 }, (_, index) => index + 1);
      for (const recent of order)
        assert.deepEqual(got.get(recent), all.slice(-recent - 1), `${recent} of ${order} ${when}`);
      assert.equal(hub.heardOf('sub').filter(([, , channel]) => channel === 'chat:42').length, 1);
      client.close();
    }
});

test('fewer messages than were wanted are no gap, but what is lost after them is', async () => {
  const { hub, client } = withTen();
  client.subscribe('chat:42');
  await hub.settle();
  hub.trim('chat:42', 2);
  const late = client.subscribe('chat:42', { recent: 5 });
  const gaps: unknown[] = [];
  late.on('gap', ({ have, head }) => gaps.push([have[1], head]));
  const data = dataOf(late);
  await hub.settle();
  assert.deepEqual([data, gaps], [[9, 10], []]);
  const later = client.subscribe('chat:42', { recent: 5 });
  later.on('gap', ({ have, head }) => gaps.push([have[1], head]));
  for (let count = 11; count <= 15; count++) hub.publish('chat:42', count);
  hub.trim('chat:42', 1);
  dataOf(later);
  await hub.settle();
  assert.deepEqual(gaps, [[10, 15]]);
});

test('presence and a member are had by whatever subscription wants them, the first or a later one', async () => {
  for (const isFirst of [true, false]) {
    const { hub, client } = setUp();
    hub.log('chat:42').members = [{ id: 'luis' }];
    const wishes = { presence: true, member: { name: 'Ana' } };
    const [one, two] = [client.subscribe('chat:42', isFirst ? wishes : {}), null];
    await hub.settle();
    const other = client.subscribe('chat:42', isFirst ? {} : wishes);
    await hub.settle();
    assert.deepEqual([[...one.presence.keys()], [...other.presence.keys()], two], [['luis'], ['luis'], null]);
    const asked = isFirst ? hub.heardOf('sub')[0]?.[3] : hub.heardOf('set')[0]?.[3];
    assert.partialDeepStrictEqual(asked, wishes);
    assert.deepEqual([hub.heardOf('sub').length, hub.heardOf('un').length], [1, 0]);
  }
});

test('a member that the server refuses is not asked for again after a lost connection', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42', { member: 'Ana' });
  await hub.settle();
  hub.refuse = (message) =>
    message[0] === 'set' ? ['err', message[1], 'TOO_LARGE', 'the member is too large', {} as never] : undefined;
  const refused = assert.rejects(chat.setMember('too large'), { code: 'TOO_LARGE' });
  await hub.settle();
  await refused;
  hub.cut();
  await comeBack();
  assert.deepEqual(
    hub.heardOf('sub').map(([, , , options]) => options?.member),
    ['Ana', 'Ana'],
  );
});

test('a later subscription learns at once who is there, as the first one did', async () => {
  const { hub, client } = setUp();
  hub.log('chat:42').members = [{ id: 'luis' }];
  const first = client.subscribe('chat:42', { presence: true });
  await hub.settle();
  const told: string[] = [];
  const listen = (name: string, chat: typeof first) =>
    chat.on('presence', ({ members }) => told.push(`${name}: ${[...members.keys()]}`));
  listen('first', first);
  listen('second', client.subscribe('chat:42', { presence: true }));
  client.subscribe('chat:42').on('presence', () => told.push('who did not ask'));
  await hub.settle();
  assert.deepEqual(told, ['second: luis']);
});

test('leaving and coming back within a tick sends nothing to the server', async () => {
  const { hub, client } = setUp();
  let chat = client.subscribe('chat:42', { presence: true, member: 'Ana' });
  await hub.settle();
  for (let count = 0; count < 3; count++) {
    chat.unsubscribe();
    chat = client.subscribe('chat:42', { presence: true, member: 'Ana' });
  }
  const data = dataOf(chat);
  await hub.settle();
  assert.deepEqual([hub.heardOf('un'), hub.heardOf('set'), hub.heardOf('sub').length], [[], [], 1]);
  hub.publish('chat:42', 1);
  await hub.settle();
  assert.deepEqual([data, chat.state], [[1], 'live']);
  chat.unsubscribe();
  await hub.settle();
  assert.equal(hub.heardOf('un').length, 1);
});

/** Real clients of a real hub. */
async function real(t: TestContext, options: Partial<HubOptions> = {}) {
  const { hub, url } = await serveHub(t, {
    channels: { '*': { presence: true } },
    connect: ({ token }) => ({ user: token ?? 'nobody' }),
    ...options,
  });
  const connect = (token: string) => {
    const client = new Client(url, { token });
    t.after(() => client.close());
    return client;
  };
  /** Who is in the channel, as another sees them join, change and leave. */
  const watch = async () => {
    const events: string[] = [];
    const seen = connect('watcher').subscribe('chat:42', { presence: true });
    seen.on('presence', ({ joined, left }) => {
      if (joined) events.push(`+${joined.id} ${joined.data}`);
      if (left) events.push(`-${left.id}`);
    });
    await until(() => seen.state === 'live', 'live');
    return events;
  };
  return { hub, connect, watch };
}

test('a member changes its data, and leaves, in a subscription that goes on', async (t) => {
  const { hub, connect, watch } = await real(t);
  const events = await watch();
  const chat = connect('ana').subscribe('chat:42');
  await chat.setMember('here');
  await chat.setMember('away');
  await Promise.all([chat.setMember('busy'), chat.setMember('back')]);
  await chat.setMember(undefined);
  await until(() => events.at(-1) === '-ana', 'the leave');
  assert.deepEqual([events[0], events.at(-2), hub.presence('chat:42').count], ['+ana here', '+ana back', 0]);
  assert.equal(chat.state, 'live');
});

test('the newest member is shown, and when its subscription ends an earlier one is shown again', async (t) => {
  const { connect, watch } = await real(t);
  const events = await watch();
  const client = connect('ana');
  client.subscribe('chat:42', { member: 'first' });
  await until(() => events.length === 1, 'the first');
  const second = client.subscribe('chat:42', { member: 'second' });
  await until(() => events.length === 2, 'the second');
  second.unsubscribe();
  await until(() => events.length === 3, 'the first again');
  assert.deepEqual(events, ['+ana first', '+ana second', '+ana first']);
});

test('a wish that the server refuses ends the subscription that has it, and no other', async (t) => {
  const { connect } = await real(t, {
    channels: { '*': { presence: true, subscribe: (_who, _channel, { member }) => member !== 'root' } },
  });
  const client = connect('ana');
  const chat = client.subscribe<number>('chat:42', { member: 'ana' });
  await until(() => chat.state === 'live', 'live');
  const other = client.subscribe('chat:42', { member: 'root' });
  const refused = new Promise<Error>((resolve) => other.on('error', resolve));
  assert.ok(withCode('FORBIDDEN')(await refused));
  await assert.rejects(chat.setMember('root'), withCode('FORBIDDEN'));
  assert.deepEqual([chat.state, other.state], ['live', 'ended']);
  await chat.setMember('ana again');
  await chat.publish(1);
  for await (const { data } of chat) {
    assert.equal(data, 1);
    break;
  }
});

test('a member that is set without a connection is set with the next one, and is refused when the client is closed', async () => {
  const { hub, client, comeBack } = setUp();
  const chat = client.subscribe('chat:42');
  await hub.settle();
  hub.cut();
  const set = chat.setMember({ name: 'Ana' });
  await turn();
  await comeBack();
  await set;
  assert.deepEqual(hub.heardOf('sub').at(-1)?.[3].member, { name: 'Ana' });
  await assert.rejects(chat.setMember(1n), TypeError);
  hub.cut();
  const never = chat.setMember('later');
  await turn();
  client.close();
  await assert.rejects(never, withCode('CLOSED'));
  await assert.rejects(chat.setMember('too late'), withCode('CLOSED'));
});
