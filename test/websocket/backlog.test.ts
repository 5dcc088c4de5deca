import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Backlog } from '../../src/websocket/backpressure.ts';

/** A backlog before a socket that takes nothing until it is told to. */
function setUp(queueLimit = 100) {
  const taken: string[] = [];
  const pending: (() => void)[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      if (chunk.length > 0) taken.push(chunk.toString());
      pending.push(callback);
    },
  });
  const wheel = { now: 7 };
  const backlog = new Backlog(socket, { limits: { queueLimit }, wheel });
  /** The system takes everything that the socket has. */
  const take = () => {
    while (pending.length > 0) for (const callback of pending.splice(0)) callback();
  };
  return { backlog, socket, wheel, taken, take };
}

test('what waits is counted until the system takes it, the frame in the socket included', () => {
  const { backlog, wheel, taken, take } = setUp(5);
  assert.deepEqual([backlog.isEmpty, backlog.size, backlog.takenAt], [true, 0, Number.NEGATIVE_INFINITY]);
  assert.equal(backlog.write(Buffer.from('abc')), true);
  backlog.push(Buffer.from('de'));
  backlog.flush();
  assert.deepEqual([backlog.size, backlog.isWaiting, backlog.isEmpty, backlog.isOverLimit], [5, true, false, false]);
  backlog.push(Buffer.from('f'));
  assert.deepEqual([backlog.size, backlog.isOverLimit], [6, true]);
  wheel.now = 9;
  take();
  assert.deepEqual([taken.join(''), backlog.size, backlog.isEmpty, backlog.takenAt], ['abcdef', 0, true, 9]);
});

test('frames wait behind a place that is kept for one, which is counted by its estimate', () => {
  const { backlog, taken, take } = setUp();
  const fill = backlog.reserve(10);
  backlog.push(Buffer.from('later'));
  backlog.flush();
  take();
  assert.deepEqual([taken, backlog.size, backlog.isBlocked], [[], 15, true]);
  fill(Buffer.from('first, '));
  assert.deepEqual([backlog.size, backlog.isBlocked], [15, false]);
  backlog.flush();
  take();
  assert.deepEqual([taken.join(''), backlog.size, backlog.isEmpty], ['first, later', 0, true]);
});

test('what is dropped is not kept, not counted and not sent, and nobody waits for it', async () => {
  const { backlog, taken, take } = setUp();
  backlog.reserve(10);
  backlog.push(Buffer.from('never'));
  const drained = backlog.drained();
  backlog.clear();
  await drained;
  assert.deepEqual([backlog.size, backlog.isWaiting, backlog.isBlocked, backlog.isEmpty], [0, false, false, true]);
  backlog.push(Buffer.from('after'));
  backlog.flush();
  take();
  assert.deepEqual([taken, backlog.size], [['after'], 0]);
});

test('what one connection drops while the system still holds some of it hurts no other connection', () => {
  const one = setUp();
  one.backlog.write(Buffer.from('the system holds this'));
  one.backlog.push(Buffer.from('a'));
  one.backlog.push(Buffer.from('b'));
  one.backlog.flush();
  one.backlog.clear();
  one.backlog.finish();
  one.backlog.flush();
  const other = setUp();
  assert.deepEqual([other.backlog.isWaiting, other.backlog.isEmpty, other.backlog.isBlocked], [false, true, false]);
  other.backlog.push(Buffer.from('c'));
  other.backlog.flush();
  assert.deepEqual([other.taken, one.backlog.size], [['c'], 21]);
});

test('drained waits for what was queued before, and for nothing else', async () => {
  const { backlog, take } = setUp();
  await backlog.drained();
  backlog.write(Buffer.from('a'));
  backlog.push(Buffer.from('b'));
  const told: string[] = [];
  const drained = backlog.drained().then(() => told.push('drained'));
  backlog.flush();
  await Promise.resolve();
  assert.deepEqual(told, []);
  take();
  await drained;
  assert.equal(backlog.isEmpty, true);
});

test('the socket ends behind everything that waits', () => {
  const { backlog, socket, taken, take } = setUp();
  backlog.write(Buffer.from('a'));
  backlog.push(Buffer.from('b'));
  backlog.finish();
  backlog.end();
  assert.equal(socket.writableEnded, false);
  take();
  assert.deepEqual([taken.join(''), socket.writableEnded], ['ab', true]);
});
