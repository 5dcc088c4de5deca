import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, DatagramSocket, type ListenOptions, listen, type StreamSocket } from '../../src/stream/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { noIPv6 } from '../support/need.ts';

async function next(socket: StreamSocket): Promise<string> {
  for await (const datagram of socket) return String(datagram);
  return 'the end';
}

/** A server that sends each datagram back, and its peers as they come. */
async function echo(url: string, options: ListenOptions = {}) {
  const server = await listen(url, options);
  const peers: StreamSocket[] = [];
  (async () => {
    for await (const peer of server) {
      peers.push(peer);
      peer.pipe(peer);
    }
  })();
  return { server, peers };
}

test('a datagram is a message: two writes are two reads, and each peer is one socket', async () => {
  const { server, peers } = await echo('udp://127.0.0.1:0');
  const one = await connect(server.addresses[0]!);
  const two = await connect(server.addresses[0]!);
  one.write('a\nb');
  assert.equal(await next(one), 'a\nb');
  one.write('c');
  assert.equal(await next(one), 'c');
  two.write('d');
  assert.equal(await next(two), 'd');
  assert.equal(peers.length, 2);
  assert.equal(peers[0]!.remoteAddress, one.localAddress);
  one.destroy();
  two.destroy();
  await server.close();
});

test('localhost is both loopbacks for UDP too', { skip: noIPv6 }, async () => {
  const { server } = await echo('udp://localhost:0');
  assert.equal(server.addresses.length, 2);
  for (const address of server.addresses) {
    const socket = await connect(address);
    socket.write(address);
    assert.equal(await next(socket), address);
    socket.destroy();
  }
  await server.close();
});

test('the end of a datagram ends a line', async () => {
  const { server } = await echo('udp://127.0.0.1:0');
  const socket = await connect(server.addresses[0]!);
  socket.write('one\ntwo');
  const lines = socket.lines();
  assert.equal((await lines.next()).value, 'one');
  assert.equal((await lines.next()).value, 'two');
  socket.write('three');
  assert.equal((await lines.next()).value, 'three');
  socket.destroy();
  await server.close();
});

test('a taken port is ADDRESS_IN_USE, and an address of another machine is ADDRESS_NOT_AVAILABLE', async () => {
  const { server } = await echo('udp://127.0.0.1:0');
  await assert.rejects(listen(server.addresses[0]!), {
    code: 'ADDRESS_IN_USE',
    message: /udp:\/\/127\.0\.0\.1:\d+ is taken/,
  });
  await assert.rejects(listen('udp://192.0.2.1:0'), { code: 'ADDRESS_NOT_AVAILABLE' });
  await assert.rejects(listen('udp://nobody.invalid:0'), { code: 'UNKNOWN_HOST' });
  await server.close();
});

test('a port where nobody listens is CONNECTION_REFUSED once something was sent', async () => {
  const { server } = await echo('udp://127.0.0.1:0');
  const address = server.addresses[0]!;
  await server.close();
  const socket = await connect(address);
  const reading = assert.rejects(next(socket), { code: 'CONNECTION_REFUSED' });
  socket.write('anybody?');
  await reading;
});

test('a datagram larger than UDP carries is MESSAGE_TOO_BIG', async () => {
  const { server } = await echo('udp://127.0.0.1:0');
  const socket = await connect(server.addresses[0]!);
  const failed = once(socket, 'error');
  socket.write(Buffer.alloc(65_508));
  assert.equal((await failed)[0].code, 'MESSAGE_TOO_BIG');
  await server.close();
});

test('a silent peer is forgotten without an error, and is a new one when it sends again', async () => {
  const clock = new FakeClock();
  const server = await listen('udp://127.0.0.1:0', { clock });
  const client = await connect(server.addresses[0]!);
  client.write('hola');
  const first = await server.accept();
  assert.equal(await next(first), 'hola');
  clock.advance(120_000);
  assert.equal(await next(first), 'the end');
  client.write('me again');
  const second = await server.accept();
  assert.notEqual(second, first);
  assert.equal(await next(second), 'me again');
  second.write('welcome');
  assert.equal(await next(client), 'welcome');
  client.destroy();
  await server.close({ grace: 0 });
  assert.equal(clock.pending, 0);
});

test('peers over the limit are not accepted, and the known ones continue', async () => {
  const { server, peers } = await echo('udp://127.0.0.1:0', { peerLimit: 1 });
  const known = await connect(server.addresses[0]!);
  known.write('1');
  assert.equal(await next(known), '1');
  const stranger = await connect(server.addresses[0]!);
  stranger.write('let me in');
  known.write('2');
  assert.equal(await next(known), '2');
  assert.equal(peers.length, 1);
  stranger.destroy();
  known.destroy();
  await server.close();
});

test("a reader that does not read loses the datagrams over the queue's limit, and keeps the rest", async () => {
  const wire = { send: () => {}, close: () => {} };
  const socket = new DatagramSocket(wire, { remoteAddress: 'udp://there:1', localAddress: 'udp://here:1' });
  for (let index = 0; index < 1030; index++) socket.deliver(Buffer.from(String(index)));
  assert.equal(socket.dropped, 6);
  assert.equal(await next(socket), '0');
});

test('an empty datagram arrives', async () => {
  const { server } = await echo('udp://127.0.0.1:0');
  const raw = createSocket('udp4');
  raw.send('', Number(server.addresses[0]!.split(':').at(-1)), '127.0.0.1');
  assert.equal((await once(raw, 'message'))[0].length, 0);
  raw.close();
  await server.close();
});

test('close() ends the readers at once, and waits for those that still answer', async () => {
  const clock = new FakeClock();
  const server = await listen('udp://127.0.0.1:0', { clock });
  const client = await connect(server.addresses[0]!);
  client.write('last');
  const peer = await server.accept();
  const closing = server.close();
  assert.equal(await next(peer), 'last');
  assert.equal(await next(peer), 'the end');
  peer.end('answer');
  assert.equal(await next(client), 'answer');
  await closing;
  client.destroy();
});
