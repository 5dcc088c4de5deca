import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectWebSocket, type ServerOptions, type User } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { readHead, response } from '../conformance/handshake.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawClient } from '../support/raw-client.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';
import { rawServer } from './raw-server.ts';

async function withRaw(t: TestContext, options: ServerOptions) {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { ...options, clock });
  const raw = await RawClient.open(server.url);
  t.after(() => raw.socket.destroy());
  const user = (await server.next('connect')) as User;
  return { clock, server, raw, user };
}

test('a silent peer is pinged after pingInterval, and one that answers stays connected', async (t) => {
  const { clock, server, raw } = await withRaw(t, { pingInterval: 30_000, pongTimeout: 15_000 });
  for (let i = 0; i < 50; i++) {
    clock.advance(30_000);
    assert.equal((await raw.next())?.opcode, wire.PING);
    raw.send(wire.pong(), wire.text(`${i}`));
    assert.equal(await server.next('message'), `${i}`);
  }
  assert.equal(server.users.size, 1);
});

test('a peer that is never silent is never pinged', async (t) => {
  const { clock, server, raw, user } = await withRaw(t, { pingInterval: 30_000 });
  for (let i = 0; i < 20; i++) {
    clock.advance(20_000);
    raw.send(wire.text(''));
    await server.next('message');
  }
  user.send('first');
  assert.equal((await raw.next())?.payload.toString(), 'first');
});

test('a half-open peer is ended with 1006 within pingInterval and pongTimeout, and not much sooner', async (t) => {
  const { clock, server, raw } = await withRaw(t, { pingInterval: 30_000, pongTimeout: 15_000 });
  const told: number[] = [];
  server.onClose = (_user, code) => told.push(code);
  clock.advance(43_000);
  assert.deepEqual(told, []);
  clock.advance(2_000);
  assert.deepEqual(told, [1006]);
  assert.equal(server.users.size, 0);
  assert.equal(await raw.code(), 1006);
});

test('a slow peer that reads its queue stays connected, though it has not received the ping behind it yet', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock, compression: false, pingInterval: 30_000, pongTimeout: 15_000 });
  const told: number[] = [];
  server.onClose = (_user, code) => told.push(code);
  const { socket } = await RawClient.open(server.url, { deaf: true });
  t.after(() => socket.destroy());
  const user = (await server.next('connect')) as User;
  user.send(Buffer.alloc(64 * 1024 * 1024)); // far more than the system takes by itself
  for (let i = 0; i < 5; i++) {
    const before = user.bufferedAmount;
    const isLess = () => {
      if (user.bufferedAmount !== before) return true;
      socket.read();
      return false;
    };
    await until(isLess, 'the system takes more');
    clock.advance(14_000);
  }
  assert.deepEqual(told, [], 'it read all the time');
  // The system may take a little more after the last read; then nothing moves any more.
  for (let i = 0; i < 5 && told.length === 0; i++) {
    await turn();
    clock.advance(46_000);
  }
  assert.deepEqual(told, [1006]);
});

test('one timer serves thousands of silent peers', async (t) => {
  const { clock, server } = await withRaw(t, {});
  const pending = clock.pending;
  await Promise.all(Array.from({ length: 50 }, () => RawClient.open(server.url)));
  await until(() => server.users.size === 51, 'all are users');
  assert.equal(clock.pending, pending);
  clock.advance(46_000);
  assert.equal(server.users.size, 0);
});

test('when the last user has left, only the timer of onTick remains, and none after close', async (t) => {
  const { clock, server, raw } = await withRaw(t, {});
  raw.send(wire.close(1000));
  await raw.code();
  await server.next('close');
  await server.close({ grace: 0 });
  clock.advance(1000);
  assert.equal(clock.pending, 0);
});

test('idleTimeout closes a user with 1000 who sends no message, even if they answer pings', async (t) => {
  const { clock, raw, server } = await withRaw(t, { idleTimeout: 60_000, pingInterval: 20_000 });
  clock.advance(30_000);
  assert.equal((await raw.next())?.opcode, wire.PING);
  raw.send(wire.pong('sign of life'), wire.ping('and another'));
  assert.equal((await raw.next())?.opcode, wire.PONG);
  clock.advance(19_000);
  raw.send(wire.ping('still there?'));
  assert.equal((await raw.next())?.opcode, wire.PONG);
  clock.advance(11_000);
  assert.equal(await raw.code(), 1000);
  await server.next('close');
});

test('a message restarts the idleTimeout', async (t) => {
  const { clock, raw, server, user } = await withRaw(t, { idleTimeout: 60_000, pingInterval: 0 });
  for (let i = 0; i < 5; i++) {
    clock.advance(50_000);
    raw.send(wire.text('x'));
    await server.next('message');
  }
  assert.equal(user.isOpen, true);
  clock.advance(60_000);
  assert.equal(user.isOpen, false);
});

test('with pingInterval 0 nobody is pinged, and no timer runs for the connections', async (t) => {
  const { clock, server } = await withRaw(t, { pingInterval: 0 });
  const empty = new FakeClock();
  await Recorder.listen(t, { clock: empty });
  assert.equal(clock.pending, empty.pending);
  clock.advance(24 * 3600 * 1000);
  assert.equal(server.users.size, 1);
});

test('a client whose program reads slowly does not consider its server dead', async (t) => {
  const options = { pingInterval: 20, pongTimeout: 20, compression: false } as const;
  const server = await Recorder.listen(t, { compression: false });
  const slow = await connectWebSocket(server.url, options);
  const user = (await server.next('connect')) as User;
  for (let i = 0; i < 200; i++) user.send(`${i}`);
  // Another client with the same options is pinged to and fro several times meanwhile.
  const other = await answeringServer(t);
  const client = await connectWebSocket(other.url, options);
  await other.pings(5);
  client.terminate();
  assert.equal(slow.isOpen, true);
  assert.deepEqual(
    await take(slow, 200),
    Array.from({ length: 200 }, (_, i) => `${i}`),
  );
  slow.close();
});

test('a client ends with 1006 when its server no longer answers', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const { port } = listener.address() as { port: number };
  const connecting = connectWebSocket(`ws://127.0.0.1:${port}`, { pingInterval: 20, pongTimeout: 20 });
  const [socket] = (await accepted) as [Socket];
  const head = await readHead(socket);
  socket.write(response(head!.fields.get('sec-websocket-key')![0]!));
  socket.resume();
  const client = await connecting;
  assert.equal((await client.closed).code, 1006);
});

/** A server that answers the pings of its one client and counts them. */
async function answeringServer(t: TestContext) {
  const { url, peer } = await rawServer(t);
  return {
    url,
    async pings(count: number) {
      const raw = await peer;
      for (let i = 1; i <= count; i++) {
        await raw.until(() => raw.events.filter((event) => event.kind === 'ping').length >= i);
        await raw.send([wire.pong()]);
      }
    },
  };
}

test('a peer that leaves while its user is paused is noticed, without asking it for anything', async (t) => {
  const { clock, server, raw, user } = await withRaw(t, { pingInterval: 30_000, pongTimeout: 15_000 });
  const told: number[] = [];
  server.onClose = (_user, code) => told.push(code);
  user.pause();
  raw.send(wire.text('not read yet'));
  clock.advance(30_000);
  assert.equal((await raw.next())?.opcode, wire.PONG);
  assert.equal(server.users.size, 1);
  raw.socket.destroy();
  await until(async () => {
    clock.advance(30_000);
    await turn();
    return told.length > 0;
  }, 'its end is noticed');
  assert.deepEqual([told, server.users.size], [[1006], 0]);
});
