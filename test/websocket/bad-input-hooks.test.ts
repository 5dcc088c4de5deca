import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWebSocket, type User } from '../../src/websocket/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import * as foreign from '../support/foreign-promises.ts';
import { Friend } from '../support/friend.ts';
import { RawClient } from '../support/raw-client.ts';
import { Recorder, take } from '../support/recorder.ts';

const FAILURES = [
  ['throws', () => assert.fail('thrown')],
  ['answers a rejected promise', () => Promise.reject(new Error('rejected'))],
  ['is rejected with what is no error', () => Promise.reject(undefined)],
  ['answers a rejected promise of another realm', () => foreign.rejected(new Error('rejected'))],
  ['answers a query that fails when it is awaited', () => foreign.query(() => assert.fail('no such table'))],
] as const;

for (const [how, fail] of FAILURES) {
  test(`an onUpgrade that ${how} answers its client with 500 and affects nobody else`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    server.upgrade = fail as never;
    await assert.rejects(connectWebSocket(server.url), { code: 'HANDSHAKE_FAILED', message: /500/ });
    assert.deepEqual(
      server.errors.map((error) => error.code),
      ['HOOK_FAILED'],
    );
    await friend.chats();
  });

  test(`an onConnect that ${how} closes its user with 1011`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    server.onConnect = fail;
    const client = await connectWebSocket(server.url);
    assert.equal((await client.closed).code, 1011);
    assert.equal(server.errors[0]?.code, 'HOOK_FAILED');
    await friend.chats();
  });

  test(`an onMessage that ${how} closes its user with 1011`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    const client = await connectWebSocket(server.url);
    const chat = server.message;
    server.message = (user, message) => (message === 'bad' ? fail() : chat(user, message));
    client.send('bad');
    client.send('never heard');
    assert.equal((await client.closed).code, 1011);
    assert.equal(server.errors[0]?.code, 'HOOK_FAILED');
    await friend.chats();
  });

  test(`an onClose that ${how} is reported to onError, and the user is still removed`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    const client = await connectWebSocket(server.url);
    server.onClose = fail;
    client.close();
    await server.next('error');
    assert.equal(server.users.size, 1);
    assert.equal(server.errors[0]?.code, 'HOOK_FAILED');
    await friend.chats();
  });

  test(`an onTick that ${how} is reported to onError, and the next one runs`, async (t) => {
    const clock = new FakeClock();
    const server = await Recorder.listen(t, { clock });
    const friend = await Friend.join(server);
    server.onTick = fail;
    clock.advance(2000);
    await server.next('error');
    await server.next('error');
    await friend.chats();
  });

  test(`an onError that ${how} itself is written to the terminal`, async (t) => {
    const written = t.mock.method(console, 'error', () => {});
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    server.onError = fail;
    server.upgrade = fail as never;
    await assert.rejects(connectWebSocket(server.url), { message: /500/ });
    assert.equal(written.mock.callCount(), 1);
    await friend.chats();
  });
}

test('onConnect may send, subscribe and publish; the newcomer gets it all, in order', async (t) => {
  const server = await Recorder.listen(t);
  server.onConnect = (user) => {
    user.send('welcome');
    user.subscribe('news');
    server.publish('news', 'somebody came');
    server.broadcast('hello everybody');
    user.send('that was all');
  };
  const client = await connectWebSocket(server.url);
  assert.deepEqual(await take(client, 4), ['welcome', 'somebody came', 'hello everybody', 'that was all']);
});

test('onConnect may close or terminate its user, who is told so and leaves nothing behind', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock });
  const friend = await Friend.join(server);
  server.onConnect = (user) => {
    user.send('full');
    user.close(4000, 'come back');
  };
  const client = await connectWebSocket(server.url);
  assert.deepEqual(await take(client, 1), ['full']);
  assert.deepEqual(await client.closed, { code: 4000, reason: 'come back', error: null });
  await server.next('close');
  server.onConnect = (user) => user.terminate();
  assert.equal((await (await connectWebSocket(server.url)).closed).code, 1006);
  assert.equal(((await server.next('close')) as [number])[0], 1006);
  assert.equal(server.users.size, 1);
  await friend.chats();
});

test('a user who is closed in onConnect and never answers is cut off after closeTimeout, not after the heartbeat', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, closeTimeout: 2000 });
  server.onConnect = (user) => user.close(4000);
  const raw = await RawClient.open(server.url);
  assert.equal((await raw.next())?.payload.readUInt16BE(), 4000);
  clock.advance(2000);
  assert.equal(await raw.next(), undefined);
  assert.equal(((await server.next('close')) as [number])[0], 1006);
});

test('onClose may broadcast: everyone else gets it, and the leaving user is not counted', async (t) => {
  const server = await Recorder.listen(t);
  const [one, two] = await Promise.all([1, 2].map(() => connectWebSocket(server.url)));
  server.onClose = (user) => {
    assert.equal(server.users.has(user), false);
    assert.equal(user.send('too late'), false);
    user.subscribe('too late');
    assert.deepEqual(user.topics, []);
    server.broadcast('somebody left', { except: user });
  };
  one!.close();
  assert.deepEqual(await take(two!, 1), ['somebody left']);
  assert.equal((await one!.closed).code, 1000);
});

test('onMessage may close or cut off another user, and end its own', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(server.url)));
  const [, ...users] = server.users;
  const chat = server.message;
  server.message = (user, message) => {
    if (message !== 'now') return chat(user, message);
    users[1]!.send('goodbye');
    users[1]!.close(4001);
    users[2]!.terminate();
    user.send('never arrives');
    user.terminate();
    user.send('nor this');
    user.close();
  };
  clients[0]!.send('now');
  clients[0]!.send('never heard');
  assert.deepEqual(await take(clients[1]!, 1), ['goodbye']);
  const codes = await Promise.all(clients.map(async (client) => (await client.closed).code));
  assert.deepEqual(codes, [1006, 4001, 1006]);
  for (const _ of clients) await server.next('close');
  assert.equal(server.users.size, 1);
  assert.deepEqual(server.errors, []);
  await friend.chats();
});

test('closing all users from a hook, one of them twice, leaves a server that accepts new users', async (t) => {
  const server = await Recorder.listen(t);
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(server.url)));
  server.message = () => {
    for (const user of server.users) user.close(1012, 'all out');
    for (const user of server.users) user.close(4000);
  };
  clients[0]!.send('fire');
  for (const client of clients) assert.equal((await client.closed).code, 1012);
  await (await Friend.join(server)).chats();
});

test('a close with an invalid code or reason is refused, and closes nothing', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const [user] = server.users as Set<User>;
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1000.5, 2999, 5000, Number.NaN])
    assert.throws(() => user!.close(code), { code: 'BAD_OPTION' }, String(code));
  assert.throws(() => user!.close(1000, 'ñ'.repeat(62)), { code: 'BAD_OPTION' });
  await friend.chats();
  user!.close(1000, `${'ñ'.repeat(61)}x`);
  assert.equal((await friend.client.closed).reason.length, 62);
});
