import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type TestContext, test } from 'node:test';
import type { User } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
const CLOSE_TIMEOUT = 5000;
/** Between two looks of a slow reader at its socket: less than a closeTimeout. */
const PAUSE = 4000;

/** A user that has been sent numbered messages, far more than the system's buffers take, and has read none of them. */
async function withBacklog(t: TestContext) {
  const clock = new FakeClock();
  const options = { clock, closeTimeout: CLOSE_TIMEOUT, queueLimit: 64 * MIB, compression: false, pingInterval: 0 };
  const server = await Recorder.listen(t, options);
  const raw = await RawClient.open(server.url, { deaf: true });
  t.after(() => raw.socket.destroy());
  const user = (await server.next('connect')) as User;
  const count = 32;
  for (let i = 0; i < count; i++) user.send(Buffer.alloc(MIB, i));
  await turn();
  return { clock, server, raw, user, count };
}

/** Lets the clock go on by PAUSE each time the system has taken more, until nothing waits. Answers for how long. */
async function readSlowly(raw: RawClient, user: User, clock: FakeClock, enough = () => false): Promise<number> {
  const began = clock.now();
  raw.listen();
  while (user.bufferedAmount > 0 && !enough()) {
    const before = user.bufferedAmount;
    raw.socket.resume();
    await until(() => user.bufferedAmount !== before, 'something is written');
    raw.socket.pause();
    await turn();
    clock.advance(PAUSE);
  }
  return clock.now() - began;
}

/** The numbers of the messages up to the close frame, and its code; the close frame is answered. */
async function readTheRest(raw: RawClient): Promise<{ numbers: number[]; code: number | undefined }> {
  const numbers: number[] = [];
  raw.socket.resume();
  for (let frame = await raw.next(); frame; frame = await raw.next()) {
    if (frame.opcode === wire.CLOSE) {
      raw.send(wire.close(1000));
      return { numbers, code: frame.payload.readUInt16BE(0) };
    }
    numbers.push(frame.payload[0]!);
  }
  return { numbers, code: undefined };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('a slow reader gets everything that was sent before close(), however long that takes', async (t) => {
  const { clock, server, raw, user, count } = await withBacklog(t);
  user.close(4000, 'enough');
  const took = await readSlowly(raw, user, clock);
  assert.ok(took > 2 * CLOSE_TIMEOUT, `it took ${took} ms`);
  assert.deepEqual(await readTheRest(raw), { numbers: upTo(count), code: 4000 });
  assert.deepEqual(await server.next('close'), [1000, '']);
});

test('server.close() waits for peers that still read, up to its grace', async (t) => {
  const { clock, server, raw, user, count } = await withBacklog(t);
  const closed = server.close({ grace: 1_000_000 });
  const took = await readSlowly(raw, user, clock);
  assert.ok(took > 2 * CLOSE_TIMEOUT, `it took ${took} ms`);
  assert.deepEqual(await readTheRest(raw), { numbers: upTo(count), code: 1001 });
  await closed;
});

test('the time for the answer counts from when the close frame has left', async (t) => {
  const { clock, server, raw, user } = await withBacklog(t);
  user.close();
  await readSlowly(raw, user, clock);
  // PAUSE has passed since then, and the frame is out.
  raw.socket.resume();
  await turn();
  assert.equal(server.users.size, 1);
  clock.advance(CLOSE_TIMEOUT);
  assert.equal(((await server.next('close')) as [number])[0], 1006);
});

test('a peer that stops reading after close() is cut off after closeTimeout', async (t) => {
  const { clock, server, raw, user } = await withBacklog(t);
  user.close();
  let steps = 0;
  await readSlowly(raw, user, clock, () => ++steps > 2);
  assert.equal(server.users.size, 1);
  clock.advance(CLOSE_TIMEOUT);
  assert.equal(((await server.next('close')) as [number])[0], 1006);
});

test('a peer that closes first and reads slowly gets what was sent before, even after ending its half of the socket', async (t) => {
  const { clock, server, raw, user, count } = await withBacklog(t);
  raw.send(wire.close(4001));
  raw.socket.end();
  assert.deepEqual(await server.next('close'), [4001, '']);
  const took = await readSlowly(raw, user, clock);
  assert.ok(took > 2 * CLOSE_TIMEOUT, `it took ${took} ms`);
  assert.deepEqual(await readTheRest(raw), { numbers: upTo(count), code: 4001 });
});

test('a peer that ends its half of the socket instead of answering still gets what was sent before close()', async (t) => {
  const { clock, server, raw, user, count } = await withBacklog(t);
  user.close(4002);
  raw.socket.end();
  assert.equal(((await server.next('close')) as [number])[0], 1006);
  await readSlowly(raw, user, clock);
  assert.deepEqual(await readTheRest(raw), { numbers: upTo(count), code: 4002 });
});
