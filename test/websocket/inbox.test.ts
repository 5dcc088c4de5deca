import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../src/websocket/inbox.ts';
import { connectionLimits } from '../../src/websocket/limits.ts';

/** An inbox, and what it does with its connection. */
function setUp() {
  const inbox = new Inbox(connectionLimits({ queuePolicy: 'drop' }));
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  inbox.attach({ pause: note('pause'), resume: note('resume'), close: note('close') } as never);
  const receive = (count: number) => {
    for (let n = 0; n < count; n++) inbox.onMessage(`${n}`);
  };
  const read = async (count: number) => {
    for (let n = 0; n < count; n++) await inbox.next();
  };
  return { inbox, done, receive, read };
}

test('whenever 64 messages wait for a slow loop the connection is paused, until all of them are read', async () => {
  const { done, receive, read } = setUp();
  receive(63);
  assert.deepEqual(done, []);
  await read(10);
  receive(11);
  assert.deepEqual(done, ['pause']);
  // What was received before the pause still comes.
  receive(5);
  await read(68);
  assert.deepEqual(done, ['pause']);
  await read(1);
  assert.deepEqual(done, ['pause', 'resume']);
  receive(63);
  await read(63);
  assert.deepEqual(done, ['pause', 'resume']);
  receive(64);
  assert.deepEqual(done, ['pause', 'resume', 'pause']);
  await read(64);
  assert.deepEqual(done, ['pause', 'resume', 'pause', 'resume']);
});

test('a loop that waits gets the next message at once, and what is left is read after the end', async () => {
  const { inbox, done, receive } = setUp();
  const waiting = [inbox.next(), inbox.next()];
  receive(4);
  assert.deepEqual(await Promise.all(waiting), [
    { value: '0', done: false },
    { value: '1', done: false },
  ]);
  inbox.onClosed(1001, 'bye', null);
  assert.deepEqual(await inbox.closed, { code: 1001, reason: 'bye', error: null });
  assert.deepEqual(await inbox.next(), { value: '2', done: false });
  assert.deepEqual(await inbox.next(), { value: '3', done: false });
  assert.deepEqual(await inbox.next(), { value: undefined, done: true });
  assert.deepEqual(done, []);
});

test('loops that wait end with the connection, and an empty message is a message', async () => {
  const { inbox } = setUp();
  inbox.onMessage('');
  assert.deepEqual(await inbox.next(), { value: '', done: false });
  const waiting = [inbox.next(), inbox.next()];
  inbox.onClosed(1006, '', null);
  assert.deepEqual(await Promise.all(waiting), Array(2).fill({ value: undefined, done: true }));
});

test('leaving the loop closes the connection and drops what was not read', async () => {
  const { inbox, done, receive } = setUp();
  receive(3);
  assert.deepEqual(await inbox.giveUp(), { value: undefined, done: true });
  assert.deepEqual(done, ['close']);
  inbox.onClosed(1000, '', null);
  assert.deepEqual(await inbox.next(), { value: undefined, done: true });
  assert.equal(inbox.onQueueFull(), 'drop');
});
