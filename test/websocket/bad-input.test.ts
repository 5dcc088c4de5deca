import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { ServerOptions } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { dial, readHead, request } from '../conformance/handshake.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Friend } from '../support/friend.ts';
import { heldMemory } from '../support/memory.ts';
import { bytesOf, portOf, RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

/** What a hostile client sends, and the close code that it must get while everybody else chats on. */
const ATTACKS: [what: string, bytes: Buffer | string, code: number][] = [
  ['a 64-bit length of ff…ff', '82 ff ffffffffffffffff 00000000', 1002],
  ['the largest 64-bit length that is allowed', '82 ff 7fffffffffffffff 00000000', 1009],
  ['a length over the limit', '82 ff 0000000001000001 00000000', 1009],
  ['a short message in the 16-bit form of the length', '82 fe 0005 00000000 68656c6c6f', 1002],
  ['a short message in the 64-bit form of the length', '82 ff 0000000000000005 00000000 68656c6c6f', 1002],
  ['an unmasked frame', bytesOf(wire.text('hola', { masked: false })), 1002],
  ['an unmasked ping', bytesOf(wire.ping('', { masked: false })), 1002],
  ['the reserved bit 1 without compression', bytesOf(wire.text('hola', { rsv: 4 })), 1002],
  ['the reserved bit 2', bytesOf(wire.text('hola', { rsv: 2 })), 1002],
  ['the reserved bit 3', bytesOf(wire.text('hola', { rsv: 1 })), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) =>
      [`the reserved opcode ${opcode}`, bytesOf(wire.frame(opcode, 'hola')), 1002] as [string, Buffer, number],
  ),
  ['a ping over 125 bytes', bytesOf(wire.ping(Buffer.alloc(126))), 1002],
  ['a close frame over 125 bytes', bytesOf(wire.close(1000, 'x'.repeat(124))), 1002],
  ['a fragmented ping', bytesOf(wire.ping('', { fin: false })), 1002],
  ['a continuation of nothing', bytesOf(wire.more('hola')), 1002],
  ['a message inside a message', bytesOf(wire.text('ho', { fin: false }), wire.text('la')), 1002],
  ['a close frame of one byte', bytesOf(wire.frame(wire.CLOSE, 'x')), 1002],
  ['a close code that may not be sent', bytesOf(wire.close(1006)), 1002],
  ['a close reason that is not UTF-8', bytesOf(wire.close(1000, Buffer.of(0xff))), 1007],
  ['text that is not UTF-8', bytesOf(wire.text(Buffer.of(0x68, 0xff))), 1007],
  ['text that ends inside a character', bytesOf(wire.text(Buffer.of(0xf0, 0x9f, 0x8e))), 1007],
  [
    'invalid UTF-8 across fragments, before the message ends',
    bytesOf(wire.text(Buffer.of(0xf0), { fin: false }), wire.more(Buffer.of(0x80), { fin: false })),
    1007,
  ],
];

async function attack(t: TestContext, bytes: Buffer | string, options: ServerOptions = {}) {
  const server = await Recorder.listen(t, options);
  const friend = await Friend.join(server);
  const enemy = await RawClient.open(server.url);
  enemy.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes);
  const code = await enemy.code();
  await friend.chats();
  assert.equal(server.users.size, 1);
  assert.deepEqual(server.errors, []);
  return { server, code };
}

for (const [what, bytes, code] of ATTACKS)
  test(`${what} closes its sender with ${code} and affects nobody else`, async (t) => {
    const attacked = await attack(t, bytes);
    assert.equal(attacked.code, code);
    assert.equal(((await attacked.server.next('close')) as [number])[0], code);
  });

test('a handshake and its frames may come one byte at a time', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const socket = await dial(portOf(server.url));
  t.after(() => socket.destroy());
  const head = readHead(socket);
  const frames = bytesOf(wire.text('de a poco', { fin: false }), wire.ping('¿?'), wire.more(' ñ 🎉'));
  for (const byte of Buffer.concat([Buffer.from(request()), frames])) {
    socket.write(Buffer.of(byte));
    await turn();
  }
  assert.match((await head)!.line, /101/);
  await friend.hears('de a poco ñ 🎉');
});

test('a frame in the same packet as the handshake is a message like any other', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const early = bytesOf(wire.text('temprano'), wire.text('y más'));
  const eager = await RawClient.open(server.url, { early: early.subarray(0, early.length - 3) });
  await friend.hears('temprano');
  eager.socket.write(early.subarray(early.length - 3));
  await friend.hears('y más');
});

test('frames that arrive while onUpgrade decides are kept until it has', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const { asked, accept } = server.holdUpgrade();
  const early = bytesOf(wire.text('uno'), wire.text('dos'), wire.text('tres'));
  const socket = await dial(portOf(server.url));
  t.after(() => socket.destroy());
  socket.write(Buffer.concat([Buffer.from(request()), early.subarray(0, 10)]));
  await asked;
  socket.write(early.subarray(10));
  // The server has read that when it has read what the friend says after it.
  await friend.chats();
  await friend.chats();
  accept();
  for (const word of ['uno', 'dos', 'tres']) await friend.hears(word);
});

test('a thousand frames in one packet are a thousand messages, in order', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const chatterbox = await RawClient.open(server.url, { deaf: true });
  chatterbox.send(...Array.from({ length: 1000 }, (_, i) => wire.text(`${i}`)));
  for (let i = 0; i < 1000; i++) assert.equal(await friend.next(), `${i}`);
  await friend.chats();
});

test('a million one-byte fragments are refused with 1008 long before they are all there', async (t) => {
  const { code } = await attack(
    t,
    Buffer.concat([bytesOf(wire.text('a', { fin: false })), oneByteFragments(1_000_000)]),
  );
  assert.equal(code, 1008);
});

test('a million one-byte fragments, if allowed, use little more memory than their payload', async (t) => {
  const server = await Recorder.listen(t, { maxFragments: 2_000_000 });
  const friend = await Friend.join(server);
  const grinder = await RawClient.open(server.url, { deaf: true });
  grinder.send(wire.text('a', { fin: false }));
  const before = heldMemory();
  const piece = oneByteFragments(100_000);
  for (let i = 0; i < 10; i++) {
    if (!grinder.socket.write(piece)) await once(grinder.socket, 'drain');
    await friend.chats();
  }
  const held = heldMemory() - before;
  assert.ok(held < 8e6, `${held} bytes are held for 1 MB of payload`);
  grinder.send(wire.more('.'));
  await friend.hears(`${'a'.repeat(1_000_001)}.`);
});

test('a flood of empty fragments ends with 1008', async (t) => {
  const empty = bytesOf(...Array.from({ length: 200 }, () => wire.more('', { fin: false })));
  const { code } = await attack(t, Buffer.concat([bytesOf(wire.text('', { fin: false })), empty]), {
    maxFragments: 100,
  });
  assert.equal(code, 1008);
});

test('a flood of pings ends with 1008', async (t) => {
  const { code } = await attack(t, bytesOf(...Array.from({ length: 1001 }, () => wire.ping())));
  assert.equal(code, 1008);
});

test('a flood of unsolicited pongs ends with 1008', async (t) => {
  const { code } = await attack(t, bytesOf(...Array.from({ length: 1001 }, () => wire.pong())));
  assert.equal(code, 1008);
});

test('pings are counted per second, even when no other timer runs', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, pingInterval: 0, maxControlFrames: 10 });
  const honest = await RawClient.open(server.url);
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 10; i++) honest.send(wire.ping(`${i}`));
    for (let i = 0; i < 10; i++) assert.equal((await honest.next())?.payload.toString(), `${i}`);
    clock.advance(1000);
  }
  for (let i = 0; i < 11; i++) honest.send(wire.ping(`${i}`));
  assert.equal(await honest.code(), 1008);
});

test('a peer may reset the connection after any byte', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const bytes = Buffer.concat([
    Buffer.from(request()),
    bytesOf(wire.text('mucho '.repeat(40), { fin: false }), wire.ping('x'), wire.more('más'), wire.close(1000)),
  ]);
  for (let length = 0; length <= bytes.length; length += 7) {
    const socket = await dial(portOf(server.url));
    socket.on('error', () => {});
    socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
    await once(socket, 'close');
  }
  await friend.chats();
  await until(() => server.users.size === 1, 'only the friend is left');
  assert.deepEqual(server.errors, []);
});

function oneByteFragments(count: number): Buffer {
  return Buffer.alloc(count * 7, bytesOf(wire.more('a', { fin: false })));
}
