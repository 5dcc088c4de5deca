import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import type { Message, ServerOptions, User } from '../../src/websocket/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import type { Deflate } from '../conformance/deflate.ts';
import * as wire from '../conformance/frame.ts';
import { deflateFromAnswer, field } from '../conformance/handshake.ts';
import { Friend } from '../support/friend.ts';
import { heldMemory } from '../support/memory.ts';
import { bytesOf, RawClient } from '../support/raw-client.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

const TAKEOVER = { compression: { contextTakeover: true, threshold: 16 } };
const ALONE = { compression: { threshold: 16 } };
/** Compressed on a thread: over 64 KiB. */
const big = (seed: string) => `${seed} `.repeat(Math.ceil((200 * 1024) / (seed.length + 1)));

/** A raw client with a naive deflate of its own, whose windows are exactly what was agreed. */
async function withRaw(t: TestContext, options: ServerOptions, offer = 'permessage-deflate') {
  const server = await Recorder.listen(t, options);
  const friend = await Friend.join(server);
  const raw = await RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': offer } });
  t.after(() => raw.socket.destroy());
  const deflate = deflateFromAnswer(offer, raw.head);
  const user = (await server.next('connect')) as User;
  return { server, friend, raw, user, deflate: deflate! };
}

/** The next message as text, inflated by the oracle when it is compressed. */
async function read(raw: RawClient, deflate: Deflate): Promise<string> {
  const frame = await raw.next();
  assert.ok(frame, 'the connection ended');
  assert.ok(frame.opcode === wire.TEXT || frame.opcode === wire.BINARY, `a frame with opcode ${frame.opcode}`);
  return (frame.rsv === 4 ? deflate.decompress(frame.payload) : frame.payload).toString();
}

function packed(message: string | Buffer, deflate: Deflate): wire.Frame {
  return wire.text(deflate.compress(Buffer.from(message as string)), { rsv: 4 });
}

const zeros = (megabytes: number) =>
  deflateRawSync(Buffer.alloc(megabytes * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

test('a compression bomb ends with 1009 while it is inflated, and is never in memory', async (t) => {
  const { server, friend, raw } = await withRaw(t, { maxMessage: 1024 * 1024 });
  const bomb = zeros(256);
  const before = process.resourceUsage().maxRSS;
  for (let i = 0; i < 4; i++) {
    const enemy =
      i === 0
        ? raw
        : await RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    enemy.send(wire.binary(bomb, { rsv: 4 }));
    assert.equal(await enemy.code(), 1009);
  }
  const grown = process.resourceUsage().maxRSS - before;
  assert.ok(grown < 64 * 1024, `the process grew by ${grown} KiB for a limit of 1 MiB`);
  await friend.chats();
  assert.equal(server.users.size, 1);
});

test('the limit applies to a message before and after inflating, also as many small fragments', async (t) => {
  const options = { maxMessage: 10_000 };
  for (const frames of [
    [wire.binary(randomBytes(10_001), { rsv: 4 })],
    [wire.binary(deflateRawSync(Buffer.alloc(10_001)), { rsv: 4 })],
    wire.fragments(wire.binary(randomBytes(10_001), { rsv: 4 }), 100),
  ]) {
    const { raw, friend } = await withRaw(t, options);
    raw.send(...frames);
    assert.equal(await raw.code(), 1009);
    await friend.chats();
  }
});

for (const [what, frames] of [
  ['is not deflate', [wire.text(Buffer.from('ffffffff', 'hex'), { rsv: 4 })]],
  [
    'refers back beyond its beginning',
    [wire.text(Buffer.from('4b4c4a4e49040500'.replace('05', 'ff'), 'hex'), { rsv: 4 })],
  ],
  ['inflates to what is not UTF-8', [wire.text(deflateRawSync(Buffer.of(0xff, 0xfe)), { rsv: 4 })]],
  ['is big and inflates to what is not UTF-8', [wire.text(deflateRawSync(Buffer.alloc(200_000, 0xff)), { rsv: 4 })]],
  [
    'is big and breaks off in nonsense',
    [wire.text(Buffer.concat([zeros(1), Buffer.from('ffffffffff', 'hex')]), { rsv: 4 })],
  ],
] as const)
  test(`a compressed message that ${what} ends with 1007`, async (t) => {
    const { raw, friend, server } = await withRaw(t, {});
    raw.send(...frames);
    assert.equal(await raw.code(), 1007);
    await friend.chats();
    assert.deepEqual(server.errors, []);
  });

for (const offer of [
  'permessage-deflate; nonsense',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits=8',
  'permessage-deflate; server_max_window_bits=09',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; client_max_window_bits=7',
  'permessage-deflate; server_no_context_takeover=1',
  'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
  'x-unknown',
  ', ,',
])
  test(`the offer ${offer} is ignored: the connection has no compression`, async (t) => {
    const { raw, server } = await withRaw(t, { compression: { threshold: 0 } }, offer);
    assert.equal(field(raw.head, 'sec-websocket-extensions'), '');
    server.broadcast('hola hola hola hola hola');
    assert.equal((await raw.next())?.rsv, 0);
  });

for (const offer of ['permessage-deflate;;', '"', 'permessage-deflate; a=', 'permessage-deflate, (x)'])
  test(`the offer ${offer}, which is not a list of extensions, is refused with 400`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    const raw = await RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': offer } });
    assert.match(raw.head.line, / 400 /);
    await friend.chats();
  });

for (const bits of [9, 10, 12, 15])
  test(`with windows of ${bits} bits both ways, messages larger than the window arrive whole`, async (t) => {
    const offer = `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`;
    const { server, raw, user, deflate, friend } = await withRaw(t, TAKEOVER, offer);
    const text = Array.from({ length: 3000 }, (_, i) => `${i % 700} mesa`).join(' ');
    for (let i = 0; i < 4; i++) {
      user.send(text + i);
      assert.equal(await read(raw, deflate), text + i);
      raw.send(packed(text + i, deflate));
      await friend.hears(text + i);
      assert.equal(await read(raw, deflate), text + i); // and the broadcast of it
    }
    assert.equal(server.users.size, 2);
  });

for (const [how, options] of [
  ['with context takeover', TAKEOVER],
  ['each message alone', ALONE],
] as const) {
  test(`any mixture of broadcasts and direct messages, ${how}, arrives as it was sent, in order`, async (t) => {
    const { server, raw, user, deflate, friend } = await withRaw(t, options);
    const words = fc.constantFrom('mesa', 'silla', 'una mesa y una silla', 'x'.repeat(50));
    const text = fc.oneof(
      { weight: 8, arbitrary: fc.array(words, { maxLength: 30 }).map((list) => list.join(' ')) },
      { weight: 1, arbitrary: words.map(big) },
    );
    const step = fc.record({ how: fc.constantFrom('send', 'broadcast', 'not to it', 'turn', 'drained'), text });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const expected: string[] = [];
        for (const { how, text } of steps) {
          if (how === 'turn') await turn();
          else if (how === 'drained') await user.drained();
          else {
            if (how === 'send') user.send(text);
            else server.broadcast(text, how === 'broadcast' ? {} : { except: user });
            if (how !== 'not to it') expected.push(text);
          }
        }
        for (const wanted of expected) assert.equal(await read(raw, deflate), wanted);
      }),
      { numRuns: 150 },
    );
    await friend.chats();
  });

  test(`big and small messages from a client, ${how}, arrive in order`, async (t) => {
    const { server, raw, deflate } = await withRaw(t, options);
    const heard: Message[] = [];
    server.message = (_user, message) => heard.push(message);
    const sent = [big('uno'), 'pequeño pequeño pequeño', big('dos'), 'sin comprimir', big('tres'), 'fin fin fin fin'];
    raw.send(
      ...sent.map((each) => (each === 'sin comprimir' ? wire.text(each) : packed(each, deflate))),
      wire.close(4000),
    );
    assert.deepEqual(await server.next('close'), [4000, '']);
    assert.deepEqual(heard, sent);
    assert.equal(await raw.code(), 4000);
  });
}

test('messages sent while a big one is compressed arrive after it, and a close after that', async (t) => {
  const { raw, user, deflate } = await withRaw(t, TAKEOVER);
  const sent = [big('uno'), 'pequeño pequeño pequeño', big('dos'), 'fin fin fin fin fin'];
  for (const each of sent) user.send(each);
  user.close(4001, 'adiós');
  for (const each of sent) assert.equal(await read(raw, deflate), each);
  assert.equal(await raw.code(), 4001);
});

test("the peer's close frame does not cut off what is still being compressed, nor its answer", async (t) => {
  const { server, raw, user, deflate } = await withRaw(t, ALONE);
  server.message = () => {
    user.send(big('uno'));
    user.send('fin');
  };
  raw.send(wire.text('now'), wire.close(4002));
  assert.equal(await read(raw, deflate), big('uno'));
  assert.equal(await read(raw, deflate), 'fin');
  assert.equal(await raw.code(), 4002);
  assert.deepEqual(await server.next('close'), [4002, '']);
});

test('a protocol error does not cut off what is still being compressed, nor the close frame that names it', async (t) => {
  const { server, raw, user, deflate } = await withRaw(t, ALONE);
  server.message = () => user.send(big('uno'));
  raw.send(wire.text('now'), wire.frame(3));
  assert.equal(await read(raw, deflate), big('uno'));
  assert.equal(await raw.code(), 1002);
});

test('a connection that dies while big messages are compressed and inflated for it leaves nothing behind', async (t) => {
  const { server, friend, raw, user, deflate } = await withRaw(t, ALONE);
  const round = async () => {
    const doomed = await RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    const theirs = (await server.next('connect')) as User;
    for (let i = 0; i < 4; i++) theirs.send(big(`${i}`));
    doomed.send(wire.binary(zeros(4), { rsv: 4 }), wire.text('never comes'));
    await turn();
    doomed.socket.resetAndDestroy();
    theirs.terminate();
    await server.next('close');
    // The work for the dead is done before that for the living which was asked for later.
    user.send(big('uno'));
    await read(raw, deflate);
  };
  await round();
  const before = heldMemory();
  for (let i = 0; i < 20; i++) await round();
  await friend.chats();
  const held = heldMemory() - before;
  // What twenty rounds ask for is a hundred megabytes; a thread may still be at work for one of them.
  assert.ok(held < 10e6, `${held} bytes are still held`);
});

test('a user closed while their big message is inflated causes no error', async (t) => {
  const { server, raw, user, deflate } = await withRaw(t, TAKEOVER);
  raw.send(packed(big('uno'), deflate), packed('dos dos dos dos dos', deflate), packed(big('tres'), deflate));
  await turn();
  user.close(4003);
  assert.equal(await raw.code(), 4003);
  assert.deepEqual(await server.next('close'), [1000, '']);
});

test('a broadcast is compressed once: all peers with the same window get the same bytes', async (t) => {
  const server = await Recorder.listen(t, TAKEOVER);
  const offers = ['', '; server_no_context_takeover', '; server_max_window_bits=10', '; server_max_window_bits=10'];
  const raws = await Promise.all(
    offers.map((offer) =>
      RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': `permessage-deflate${offer}` } }),
    ),
  );
  const plain = await RawClient.open(server.url);
  await until(() => server.users.size === 5, 'all are users');
  const text = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ id: i, name: `nombre ${i}` })));
  server.broadcast(text);
  const frames = await Promise.all([...raws, plain].map((raw) => raw.next()));
  assert.deepEqual(
    frames.map((frame) => frame!.rsv),
    [4, 4, 4, 4, 0],
  );
  assert.deepEqual(frames[0]!.payload, frames[1]!.payload);
  assert.deepEqual(frames[2]!.payload, frames[3]!.payload);
  assert.equal(frames[4]!.payload.toString(), text);
});

test('client and server of this engine work together with and without context takeover, big and small, both ways', async (t) => {
  for (const [ours, theirs] of [
    [TAKEOVER, TAKEOVER],
    [TAKEOVER, ALONE],
    [ALONE, TAKEOVER],
    [{ compression: { windowBits: 9, threshold: 0 } }, TAKEOVER],
    [TAKEOVER, { compression: false }],
  ]) {
    const server = await Recorder.listen(t, ours);
    server.message = (user, message) => user.send(message);
    const client = await connectWebSocket(server.url, theirs);
    const sent = ['', 'a', 'hola '.repeat(100), big('uno'), 'hola '.repeat(100), randomBytes(100_000), 'fin'];
    for (const each of sent) client.send(each);
    assert.deepEqual(await take(client, sent.length), sent);
    client.close();
    await client.closed;
  }
});

test('many compression bombs at once wait their turn: a good client is served meanwhile', async (t) => {
  const { server, friend, raw } = await withRaw(t, { maxMessage: 64 * 1024 * 1024 });
  const bomb = bytesOf(wire.binary(zeros(65), { rsv: 4 }));
  const enemies = await Promise.all(
    Array.from({ length: 8 }, () =>
      RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } }),
    ),
  );
  for (const enemy of [...enemies, raw]) if (!enemy.socket.write(bomb)) await once(enemy.socket, 'drain');
  await friend.chats();
  for (const enemy of [...enemies, raw]) assert.equal(await enemy.code(), 1009);
});

test('a compressed message cut off inside a block ends with 1007, and one with a final block is complete', async (t) => {
  const { server, raw } = await withRaw(t, ALONE);
  const message = Buffer.concat([deflateRawSync('one '), deflateRawSync('two'), Buffer.of(0)]);
  raw.send(wire.text(message, { rsv: 4 }));
  assert.equal(await server.next('message'), 'one two');
  const small = deflateRawSync(big('plaza'), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  raw.send(wire.text(small.subarray(0, small.length >> 1), { rsv: 4 }));
  assert.equal(await raw.code(), 1007);
});
