import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { CLOSE, connectWebSocket } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { dial, field, readHead, request, response } from '../conformance/handshake.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Friend } from '../support/friend.ts';
import { bytesOf, portOf, RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { until } from '../support/until.ts';

const OFFER = 'permessage-deflate; client_max_window_bits';
const escaped: unknown[] = [];
process
  .on('uncaughtException', (error) => escaped.push(error))
  .on('unhandledRejection', (error) => escaped.push(error));

const payload = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(70_000, 'mesa ')),
  fc.constant(deflateRawSync(Buffer.alloc(300_000))),
);
const frame: fc.Arbitrary<wire.Frame> = fc.record(
  {
    opcode: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1, 2, 9, 10) }, fc.nat(15)),
    payload: payload.map((bytes) => bytes),
    fin: fc.boolean(),
    rsv: fc.constantFrom(0, 0, 0, 4, 4, 1, 2, 7),
  },
  { requiredKeys: ['opcode', 'payload'] },
);
/** A good message, as it is or compressed. */
const good = fc
  .tuple(fc.boolean(), payload, fc.integer({ min: 1, max: 50_000 }))
  .chain(([compressed, bytes, size]) =>
    fc.constant(wire.fragments(compressed ? wire.binary(deflateRawSync(bytes), { rsv: 4 }) : wire.binary(bytes), size)),
  );

/** What a peer sends: sense, near sense with bytes changed, left out or doubled, or noise; cut into pieces. */
function stream(masked: boolean): fc.Arbitrary<Buffer[]> {
  const encode = (frames: wire.Frame[]) =>
    bytesOf(...frames.map((each) => ({ ...each, masked: each.masked ?? masked })));
  const sense = fc
    .array(
      fc.oneof(
        good,
        frame.map((each) => [each]),
      ),
      { maxLength: 8 },
    )
    .map((all) => encode(all.flat()));
  const change = fc.record({ at: fc.nat(), how: fc.constantFrom('flip', 'drop', 'double'), bit: fc.nat(7) });
  const mutated = fc.tuple(sense, fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    let result = bytes;
    for (const { at, how, bit } of changes) {
      // Near the beginning, where the headers are.
      const place = Math.min(result.length, at % 40);
      if (how === 'flip' && place < result.length) result[place]! ^= 1 << bit;
      else if (how === 'drop') result = Buffer.concat([result.subarray(0, place), result.subarray(place + 1)]);
      else result = Buffer.concat([result.subarray(0, place + 1), result.subarray(place)]);
    }
    return result;
  });
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc
    .tuple(
      fc.oneof({ weight: 2, arbitrary: sense }, { weight: 3, arbitrary: mutated }, noise),
      fc.array(fc.nat(), { maxLength: 5 }),
    )
    .map(([bytes, cuts]) => {
      const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
    });
}

/** Codes that an endpoint may answer a mistake with, or echo. */
function isLegal(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004) || (code >= 3000 && code <= 4999);
}

for (const compression of [true, false])
  test(`whatever bytes clients send, ${compression ? 'with' : 'without'} compression, a server ends them with a valid code and keeps nothing`, async (t) => {
    const clock = new FakeClock();
    const server = await Recorder.listen(t, { clock, compression, maxMessage: 250_000 });
    const friend = await Friend.join(server);
    // Each hears only itself: the friend does not read while others talk, and has a queue with a limit too.
    server.message = (user, message) => user.send(message);
    let enemies = 0;
    await fc.assert(
      fc.asyncProperty(stream(true), fc.constantFrom('end', 'reset', 'close'), async (pieces, ending) => {
        const raw = await RawClient.open(server.url, { fields: { 'Sec-WebSocket-Extensions': OFFER } });
        enemies++;
        for (const piece of pieces) raw.socket.write(piece);
        if (ending === 'reset') raw.socket.resetAndDestroy();
        else if (ending === 'end') raw.socket.end();
        else raw.socket.end(bytesOf(wire.close(1000)));
        const code = await raw.code();
        assert.ok(isLegal(code), `the close code ${code}`);
      }),
      { numRuns: 300 },
    );
    await friend.chats();
    for (; enemies > 0; enemies--) {
      const [code] = (await server.next('close')) as [number];
      assert.ok(isLegal(code) && code !== CLOSE.INTERNAL_ERROR, `the close code ${code}`);
    }
    assert.equal(server.users.size, 1);
    assert.deepEqual(server.errors, []);
    friend.client.close();
    await friend.client.closed;
    await server.close({ grace: 0 });
    clock.advance(1000);
    assert.equal(clock.pending, 0, 'no timer is left');
    assert.deepEqual(escaped, []);
  });

for (const compression of [true, false])
  test(`whatever bytes a server sends, ${compression ? 'with' : 'without'} compression, a client ends with a valid code`, async (t) => {
    const pieces: Buffer[][] = [];
    const codes: Promise<number | undefined>[] = [];
    const listener = createServer(async (socket: Socket) => {
      socket.on('error', () => {});
      const head = await readHead(socket);
      const extensions = compression ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {};
      socket.write(response(field(head!, 'sec-websocket-key'), extensions));
      const reader = new wire.FrameReader(true);
      codes.push(
        new Promise((resolve) => {
          let code: number | undefined;
          socket.on('data', (bytes: Buffer) => {
            reader.push(bytes);
            for (let frame = reader.next(); frame; frame = reader.next())
              if (frame.opcode === wire.CLOSE) code = frame.payload.length > 0 ? frame.payload.readUInt16BE() : 1005;
          });
          socket.on('close', () => resolve(code));
        }),
      );
      socket.resume();
      for (const piece of pieces.shift()!) socket.write(piece);
      socket.end();
    }).listen(0, '127.0.0.1');
    t.after(() => listener.close());
    await once(listener, 'listening');
    const url = `ws://127.0.0.1:${(listener.address() as { port: number }).port}`;
    await fc.assert(
      fc.asyncProperty(stream(false), async (bytes) => {
        pieces.push(bytes);
        const client = await connectWebSocket(url, { maxMessage: 250_000 });
        for await (const _message of client);
        const { code } = await client.closed;
        assert.ok(isLegal(code) && code !== CLOSE.INTERNAL_ERROR, `the close code ${code}`);
        const sent = await codes.pop();
        assert.ok(sent === undefined || isLegal(sent), `the close code ${sent} was sent`);
      }),
      { numRuns: 200 },
    );
    assert.deepEqual(escaped, []);
  });

test('whatever a client sends as a handshake, the server answers with a status or disconnects, and accepts others', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const good = Buffer.from(request({ 'Sec-WebSocket-Extensions': OFFER, Origin: 'http://127.0.0.1' }));
  const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), gone: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), fc.boolean(), async (changes, doubled) => {
      let bytes = Buffer.from(good);
      for (const { at, byte, gone } of changes)
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at + gone)]);
      const socket = await dial(portOf(server.url));
      const answer = readHead(socket);
      socket.end(doubled ? Buffer.concat([bytes, bytes]) : bytes);
      const head = await answer;
      if (head) assert.match(head.line, /^HTTP\/1\.1 (101|[45]\d\d) /);
      socket.destroy();
    }),
    { numRuns: 300 },
  );
  await friend.chats();
  await until(() => server.users.size === 1, 'only the friend is left');
  assert.deepEqual(server.errors, []);
  assert.deepEqual(escaped, []);
});
