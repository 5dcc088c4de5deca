import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type TestContext, test } from 'node:test';
import type { Payload, ServerOptions, User } from '../../src/websocket/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { Friend } from '../support/friend.ts';
import { heldMemory } from '../support/memory.ts';
import { RawClient } from '../support/raw-client.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

const KIB = 1024;

/** A server with a friend and a client that reads nothing until told to. */
async function withDeaf(t: TestContext, options: ServerOptions = {}) {
  const server = await Recorder.listen(t, { compression: false, ...options });
  const friend = await Friend.join(server);
  const deaf = await RawClient.open(server.url, { deaf: true });
  t.after(() => deaf.socket.destroy());
  const user = (await server.next('connect')) as User;
  return { server, friend, deaf, user };
}

/** Sends until the system takes no more and `bytes` wait. */
async function fill(user: User, bytes: number, message: Payload = Buffer.alloc(64 * KIB)): Promise<void> {
  const isFull = () => {
    if (!user.isOpen || user.bufferedAmount >= bytes) return true;
    user.send(message);
    return false;
  };
  await until(isFull, `${bytes} bytes wait`);
}

/** The payloads that arrive when a deaf client begins to read, up to the close frame. */
async function listenAtLast(deaf: RawClient): Promise<Buffer[]> {
  deaf.listen();
  const payloads: Buffer[] = [];
  for (let frame = await deaf.next(); frame && frame.opcode !== wire.CLOSE; frame = await deaf.next())
    payloads.push(frame.payload);
  return payloads;
}

test('a peer that never reads is closed with 1013 when its queue is full, and costs no more than that', async (t) => {
  const { server, friend, user } = await withDeaf(t, { queueLimit: 512 * KIB });
  let most = 0;
  const send = () => {
    user.send(Buffer.alloc(64 * KIB));
    most = Math.max(most, user.bufferedAmount);
    return !user.isOpen;
  };
  await until(send, 'the queue is full');
  assert.deepEqual(((await server.next('close')) as [number])[0], 1013);
  assert.ok(most <= (512 + 65) * KIB, `${most} bytes were queued`);
  assert.equal(server.users.size, 1);
  await friend.chats();
});

test('while one peer never reads, broadcasts reach the others', async (t) => {
  const { server, friend, user } = await withDeaf(t, { queueLimit: 256 * KIB });
  const long = 'x'.repeat(32 * KIB);
  const broadcast = async () => {
    server.broadcast(long);
    await friend.chats();
    return !user.isOpen;
  };
  await until(broadcast, 'the one who never reads is cut off');
  assert.equal(((await server.next('close')) as [number])[0], 1013);
});

test('tiny broadcasts to a peer that never reads use little more memory than is counted', async (t) => {
  const { server, friend, user } = await withDeaf(t, { queueLimit: 1024 * KIB, queuePolicy: 'drop' });
  await fill(user, 64 * KIB);
  const before = heldMemory();
  const counted = user.bufferedAmount;
  for (let i = 0; i < 20_000; i++) {
    server.broadcast('tick');
    await turn();
  }
  const held = heldMemory() - before;
  assert.equal(user.bufferedAmount - counted, 20_000 * 6);
  assert.ok(held < 4e6, `${held} bytes are held for 120 KB`);
  await friend.chats();
});

test('a text that is sent to each of many users who do not read yet is held once', async (t) => {
  const { server } = await withDeaf(t);
  for (let n = 0; n < 20; n++) {
    const { socket } = await RawClient.open(server.url, { deaf: true });
    t.after(() => socket.destroy());
  }
  await until(() => server.users.size === 22, 'all are users');
  const before = heldMemory();
  const text = 'x'.repeat(8 * KIB * KIB);
  for (const user of server.users) user.send(text);
  await turn();
  const held = heldMemory() - before;
  assert.ok(held < 50e6, `${held} bytes are held for 8 MiB`);
});

test("with the policy 'drop' a full queue accepts no more, the user stays, and gets what was queued in order", async (t) => {
  const { user, deaf } = await withDeaf(t, { queueLimit: 256 * KIB, queuePolicy: 'drop' });
  const sent: Buffer[] = [];
  for (let i = 0; user.bufferedAmount <= 256 * KIB; i++) {
    sent.push(Buffer.alloc(16 * KIB, i));
    user.send(sent[i]!);
    await turn();
  }
  const queued = user.bufferedAmount;
  for (let i = 0; i < 10; i++) assert.equal(user.send('dropped'), false);
  assert.equal(user.bufferedAmount, queued);
  assert.equal(user.isOpen, true);
  user.close();
  assert.deepEqual(await listenAtLast(deaf), sent);
});

test('onQueueFull decides for each message; it gets the user and the message, or none for a broadcast', async (t) => {
  const { server, user, friend } = await withDeaf(t, { queueLimit: 64 * KIB, highWaterMark: 1 });
  const asked: [User, Payload | undefined][] = [];
  server.onQueueFull = (who, message) => {
    asked.push([who, message]);
    return message === 'important' ? 'queue' : 'drop';
  };
  await fill(user, 64 * KIB + 1);
  asked.length = 0;
  const queued = user.bufferedAmount;
  assert.equal(user.send('unimportant'), false);
  assert.equal(user.bufferedAmount, queued);
  assert.equal(user.send('important'), false);
  assert.equal(user.bufferedAmount, queued + 2 + 'important'.length);
  server.broadcast('to many');
  await friend.hears('to many');
  assert.equal(user.bufferedAmount, queued + 2 + 'important'.length);
  assert.deepEqual(asked, [
    [user, 'unimportant'],
    [user, 'important'],
    [user, undefined],
  ]);
});

test('send returns whether fewer bytes wait than the high-water mark, inside and outside of hooks', async (t) => {
  const { server, user, deaf, friend } = await withDeaf(t, { highWaterMark: 1000 });
  const answers = () => [user.send(Buffer.alloc(498)), user.send(Buffer.alloc(498)), user.send('x'), user.isOpen];
  // 2 bytes of header, and from 126 bytes on 4.
  assert.deepEqual(answers(), [true, false, false, true]);
  await user.drained();
  const told = new Promise<boolean[]>((resolve) => {
    server.message = (who, message) => {
      if (who === user) resolve(answers());
      else server.broadcast(message);
    };
  });
  deaf.socket.write(Buffer.from('818000000000', 'hex'));
  assert.deepEqual(await told, [true, false, false, true]);
  user.close();
  assert.equal(user.send('too late'), false);
  await friend.chats();
});

test('drained waits until the peer has read', async (t) => {
  const { user, deaf } = await withDeaf(t);
  await fill(user, 256 * KIB);
  let drained = false;
  const draining = user.drained().then(() => {
    drained = true;
  });
  await turn();
  assert.equal(drained, false);
  deaf.listen();
  await draining;
  assert.equal(user.bufferedAmount, 0);
});

test('drained also waits for what is still being compressed', async (t) => {
  const server = await Recorder.listen(t);
  await connectWebSocket(server.url);
  const [user] = server.users;
  user!.send(Buffer.alloc(1024 * KIB));
  assert.ok(user!.bufferedAmount > 0);
  await user!.drained();
  assert.equal(user!.bufferedAmount, 0);
});

test('drained counts a broadcast of the same turn', async (t) => {
  const { server, user, deaf } = await withDeaf(t);
  await fill(user, 64 * KIB);
  deaf.listen();
  server.broadcast(Buffer.alloc(64 * KIB));
  const before = user.bufferedAmount;
  const draining = user.drained();
  assert.ok(user.bufferedAmount > before, 'the broadcast is queued');
  await draining;
  assert.equal(user.bufferedAmount, 0);
});

test('drained resolves when the connection is lost', async (t) => {
  const { user } = await withDeaf(t);
  await fill(user, 256 * KIB);
  const draining = Promise.all(Array.from({ length: 30 }, () => user.drained()));
  user.terminate();
  await draining;
});

test('drained may be awaited by many at once without a warning of a leak', async (t) => {
  const { user, deaf } = await withDeaf(t);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  await fill(user, 256 * KIB);
  const draining = Promise.all(Array.from({ length: 30 }, () => user.drained()));
  deaf.listen();
  await draining;
  await turn();
  assert.deepEqual(warnings, []);
});

test('drained after the closing handshake does not cut off queued data', async (t) => {
  const { user, deaf } = await withDeaf(t, { queueLimit: 4096 * KIB });
  await fill(user, 256 * KIB);
  user.send('the last word');
  // The peer's close frame, so that both have closed and the server ends the socket behind what waits.
  deaf.socket.write(Buffer.from('888000000000', 'hex'));
  await until(() => !user.isOpen, 'the user is let go');
  const draining = user.drained();
  const payloads = await listenAtLast(deaf);
  assert.equal(payloads.at(-1)?.toString(), 'the last word');
  await draining;
});

test('published data reaches a slow reader unchanged even if it unsubscribes in the same turn', async (t) => {
  const { server, user, deaf } = await withDeaf(t);
  for (const each of server.users) each.subscribe('news');
  await fill(user, 64 * KIB);
  const expected: string[] = [];
  for (let i = 0; i < 20; i++) {
    expected.push(`number ${String(i % 10).repeat(6000)}`); // too large to be copied while it waits
    user.subscribe('news');
    server.publish('news', expected[i]!);
    user.unsubscribe('news');
    await turn();
  }
  user.close();
  const payloads = await listenAtLast(deaf);
  assert.deepEqual(payloads.slice(-20).map(String), expected);
});

test('a broadcast inside onQueueFull, or in an onClose that it causes, affects nobody', async (t) => {
  const server = await Recorder.listen(t, { compression: false, queueLimit: 64 * KIB });
  const early = await Friend.join(server);
  await RawClient.open(server.url, { deaf: true });
  const late = await Friend.join(server);
  const user = [...server.users][1]!;
  server.onQueueFull = (who) => {
    server.broadcast('somebody is slow', { except: who });
    who.terminate();
    return 'drop';
  };
  server.onClose = () => server.broadcast('somebody left');
  await fill(user, 64 * KIB + 1);
  server.broadcast('one');
  server.broadcast('two');
  for (const friend of [early, late])
    for (const word of ['one', 'two', 'somebody is slow', 'somebody left']) assert.equal(await friend.next(), word);
});

test('sending to the user itself inside onQueueFull is dropped, not an endless loop', async (t) => {
  const { server, user, friend } = await withDeaf(t, { queueLimit: 64 * KIB });
  let calls = 0;
  server.onQueueFull = (who) => {
    calls++;
    assert.equal(who.send('you are slow'), false);
    server.broadcast('somebody is slow', { except: who });
    return 'drop';
  };
  await fill(user, 64 * KIB + 1);
  calls = 0;
  server.broadcast('one');
  user.send('two');
  assert.equal(calls, 2);
  await friend.hears('somebody is slow');
  assert.equal(user.isOpen, true);
  assert.deepEqual(server.errors, []);
  await friend.chats();
});

test('a user may be closed inside onQueueFull, also in the middle of a broadcast', async (t) => {
  const { server, user, friend } = await withDeaf(t, { queueLimit: 64 * KIB });
  server.onQueueFull = (who) => {
    who.close(4000, 'too slow');
    return 'drop';
  };
  await fill(user, 64 * KIB + 1);
  server.broadcast('one');
  user.send('two');
  assert.equal(user.isOpen, false);
  await friend.hears('one');
  await friend.chats();
});

for (const [how, hook] of [
  ['throws', () => assert.fail('thrown')],
  ['answers a rejected promise', () => Promise.reject(new Error('rejected'))],
] as const)
  test(`an onQueueFull that ${how} closes its user with 1011 and affects nobody else`, async (t) => {
    const { server, user, friend, deaf } = await withDeaf(t, { queueLimit: 64 * KIB });
    server.onQueueFull = hook as never;
    await fill(user, 64 * KIB + 1);
    server.broadcast('one');
    await friend.hears('one');
    assert.equal(((await server.next('error')) as { code: string }).code, 'HOOK_FAILED');
    assert.equal(user.isOpen, false);
    await friend.chats();
    deaf.listen();
    assert.equal(await deaf.code(), 1011);
  });

for (const message of [
  undefined,
  null,
  42,
  { a: 1 },
  new ArrayBuffer(64),
  new Uint16Array(64),
  new DataView(new ArrayBuffer(8)),
])
  test(`a message that is ${Object.prototype.toString.call(message)} is refused before any of it is sent`, async (t) => {
    const { server, friend, user } = await withDeaf(t);
    const wrong = message as unknown as Payload;
    user.subscribe('news');
    for (const attempt of [
      () => user.send(wrong),
      () => user.ping(wrong ?? null),
      () => server.broadcast(wrong),
      () => server.publish('news', wrong),
    ])
      assert.throws(attempt, { code: 'BAD_OPTION' });
    server.broadcast('fine');
    await friend.hears('fine');
    await friend.chats();
  });

test('a burst in one turn does not make a reading peer slow, however far over the limit', async (t) => {
  const server = await Recorder.listen(t, { compression: false, queueLimit: 64 * KIB });
  const client = await connectWebSocket(server.url);
  const [user] = server.users;
  for (let i = 0; i < 8; i++) user!.send(Buffer.alloc(32 * KIB, i));
  assert.equal((await take(client, 8)).length, 8);
  assert.ok(client.isOpen);
});

test('answers that the system takes slowly arrive unchanged, whatever is sent to others meanwhile', async (t) => {
  const { server, friend, deaf, user } = await withDeaf(t);
  const size = 100 * KIB;
  let answered = 0;
  server.message = (who, message) => who.send(who === user ? Buffer.alloc(size, ++answered) : message);
  let asked = 0;
  const ask = async () => {
    deaf.send(wire.text(String(++asked)));
    await until(() => answered >= asked, 'all are answered');
  };
  const isSlow = async () => {
    await ask();
    return user.bufferedAmount > 0;
  };
  await until(isSlow, 'the system takes the answers slowly');
  for (let i = 0; i < 3; i++) {
    await ask();
    await friend.chats();
  }
  user.close();
  const answers = await listenAtLast(deaf);
  assert.equal(answers.length, asked);
  for (const [i, answer] of answers.entries())
    assert.ok(answer.equals(Buffer.alloc(size, i + 1)), `answer ${i + 1} is not as sent`);
});
