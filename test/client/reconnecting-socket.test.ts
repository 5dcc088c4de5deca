import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  pauseBefore,
  ReconnectingSocket,
  type ReconnectingSocketOptions,
} from '../../src/client/reconnecting-socket.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';

function setUp(options: Partial<ReconnectingSocketOptions> = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const states: string[] = [];
  const messages: unknown[] = [];
  const socket = new ReconnectingSocket({
    connect() {
      const fake = new FakeSocket();
      sockets.push(fake);
      return fake;
    },
    onState: (state) => states.push(state),
    onMessage: (data) => messages.push(data),
    timers: clock,
    random: () => 0.5,
    ...options,
  });
  const last = () => sockets.at(-1) as FakeSocket;
  return { clock, sockets, states, messages, socket, last };
}

test('it does nothing before it is opened, and opens once', () => {
  const { socket, sockets, states, last } = setUp();
  assert.equal(sockets.length, 0);
  socket.open();
  socket.open();
  last().accept();
  socket.open();
  assert.equal(sockets.length, 1);
  assert.deepEqual(states, ['connecting', 'open']);
});

test('it reconnects after pauses that double up to a limit', () => {
  const { clock, socket, sockets, last } = setUp({ base: 1000, cap: 6000 });
  socket.open();
  const pauses: number[] = [];
  for (let failure = 0; failure < 5; failure++) {
    last().drop();
    pauses.push(socket.retryIn);
    clock.advance(socket.retryIn - 1);
    assert.equal(socket.state, 'waiting');
    clock.advance(1);
    assert.equal(socket.state, 'connecting');
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 3000, 3000]);
  assert.equal(sockets.length, 6);
});

test('the pauses are random within their whole range', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const pause = pauseBefore(failures, random, 500, 15_000);
      assert.ok(pause >= 0 && pause < 15_000);
    }),
  );
  assert.equal(pauseBefore(3, 0, 500, 15_000), 0);
  assert.equal(pauseBefore(3, 0.25, 500, 15_000), 1000);
});

test('only a received message, not the opening alone, makes the pauses short again', () => {
  const { clock, socket, last } = setUp({ base: 1000 });
  socket.open();
  for (let round = 0; round < 3; round++) {
    last().accept();
    last().drop();
    clock.advance(socket.retryIn);
  }
  last().accept();
  last().tell('hello');
  last().drop();
  assert.equal(socket.retryIn, 500);
});

test('`retryNow` ends the pause at once, and its timer does not fire later', () => {
  const { clock, socket, sockets, last } = setUp();
  socket.retryNow();
  assert.equal(socket.state, 'closed');
  socket.open();
  last().drop();
  socket.retryNow();
  assert.equal(socket.state, 'connecting');
  last().accept();
  clock.advance(60_000);
  assert.equal(socket.state, 'open');
  assert.equal(sockets.length, 2);
  assert.equal(clock.pending, 0);
});

test('the timer of a pause that `retryNow` ended does not shorten the next pause', () => {
  const { clock, socket, sockets, last } = setUp({ base: 1_000, cap: 60_000 });
  socket.open();
  last().drop();
  socket.retryNow();
  last().drop();
  assert.equal(socket.retryIn, 1_000, 'the second pause is twice as long');
  clock.advance(999);
  assert.deepEqual([socket.state, sockets.length], ['waiting', 2]);
  clock.advance(1);
  assert.deepEqual([socket.state, sockets.length], ['connecting', 3]);
});

test('an attempt without an answer is given up', () => {
  const { clock, socket, last } = setUp({ patience: 10_000 });
  socket.open();
  const silent = last();
  clock.advance(10_000);
  assert.equal(socket.state, 'waiting');
  assert.equal(silent.closedWith, undefined);
  silent.accept();
  assert.equal(socket.state, 'waiting');
});

test('closing on purpose sends 1000, and it stays closed until it is opened again', () => {
  const { clock, socket, states, last } = setUp();
  socket.open();
  last().accept();
  socket.close();
  socket.close();
  assert.equal(last().closedWith, 1000);
  clock.advance(60_000);
  assert.deepEqual(states, ['connecting', 'open', 'closed']);
  assert.equal(clock.pending, 0);
  socket.open();
  assert.equal(socket.state, 'connecting');
});

test('closing ends a pause or an attempt too', () => {
  const { clock, socket, sockets, last } = setUp();
  socket.open();
  socket.close();
  assert.equal(socket.state, 'closed');
  socket.open();
  last().drop();
  socket.close();
  clock.advance(60_000);
  assert.equal(socket.state, 'closed');
  assert.equal(sockets.length, 2);
});

test('it does not reconnect after 1008', () => {
  const { clock, socket, last } = setUp();
  socket.open();
  last().accept();
  last().drop(1008);
  assert.equal(socket.state, 'closed');
  assert.equal(socket.closeCode, 1008);
  assert.equal(clock.pending, 0);
  socket.open();
  assert.equal(socket.closeCode, undefined);
});

test('it sends only while it is open, and returns whether it did', () => {
  const { socket, last } = setUp();
  assert.equal(socket.send('early'), false);
  socket.open();
  assert.equal(socket.send('early'), false);
  last().accept();
  assert.equal(socket.send('now'), true);
  assert.deepEqual(last().sent, ['now']);
});

test('silence after a check is a loss; any message is an answer', () => {
  const { clock, socket, messages, last } = setUp();
  socket.open();
  last().accept();
  socket.expectAnswer(5000);
  clock.advance(4000);
  socket.expectAnswer(5000); // does not put off the first
  last().tell('here');
  clock.advance(5000);
  assert.equal(socket.state, 'open');
  assert.deepEqual(messages, ['here']);
  socket.expectAnswer(5000);
  clock.advance(5000);
  assert.equal(socket.state, 'waiting');
});

test('late events of an abandoned connection change nothing', () => {
  const { clock, socket, sockets, messages, last } = setUp();
  socket.open();
  last().accept();
  socket.expectAnswer(1000);
  clock.advance(1000);
  const old = last();
  socket.retryNow();
  last().accept();
  old.tell('from the grave');
  old.drop();
  assert.equal(socket.state, 'open');
  assert.equal(sockets.length, 2);
  assert.deepEqual(messages, []);
});
