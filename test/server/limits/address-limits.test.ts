import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressLimits } from '../../../src/server/limits/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { HubPeer, serveHub } from '../hub-peer.ts';

const GENEROUS = { connectionsPerAddress: 1_000, connectsPerSecond: 1_000 };

const PROXY = '10.0.0.1';

/** A connection of a client that a proxy names: what comes of it, and how to end it. */
function come(limits: AddressLimits, client: string) {
  const closing = new EventEmitter();
  return { breach: limits.join(client, PROXY, closing), end: () => closing.emit('close') };
}

test('an address can open connections up to its limit, and another one when one ends', () => {
  const limits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 2 });
  const first = come(limits, '203.0.113.7');
  assert.deepEqual([first.breach, come(limits, '203.0.113.7').breach], [undefined, undefined]);
  assert.deepEqual(come(limits, '203.0.113.7').breach, { reason: 'address_connections', retryAfter: 30 });
  assert.equal(come(limits, '203.0.113.8').breach, undefined);
  first.end();
  assert.equal(come(limits, '203.0.113.7').breach, undefined);
  assert.equal(limits.connectionsOf('203.0.113.7'), 2);
});

test('an address can connect at its rate, four times that in a burst, and is told when it may connect again', () => {
  const clock = new FakeClock();
  const limits = new AddressLimits({ ...GENEROUS, connectsPerSecond: 0.5, clock });
  for (let i = 0; i < 2; i++) assert.equal(come(limits, '203.0.113.7').breach, undefined);
  assert.deepEqual(come(limits, '203.0.113.7').breach, { reason: 'address_rate', retryAfter: 2 });
  assert.equal(come(limits, '203.0.113.8').breach, undefined);
  clock.advance(2_000);
  assert.equal(come(limits, '203.0.113.7').breach, undefined);
});

test('an IPv6 network of /64 counts as one address', () => {
  const limits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 1 });
  come(limits, '2001:db8:1:2:3::4');
  assert.equal(come(limits, '2001:db8:1:2::').breach?.reason, 'address_connections');
  assert.equal(come(limits, '2001:db8:1:2:ffff:ffff:ffff:ffff').breach?.reason, 'address_connections');
  assert.equal(come(limits, '2001:db8:1:3::4').breach, undefined);
  come(limits, '::1');
  assert.equal(come(limits, '::2').breach?.reason, 'address_connections');
  come(limits, '2001:db8::1');
  assert.equal(come(limits, '2001:db8:0:0:9:9:9:9').breach?.reason, 'address_connections');
});

test('connections from a Unix socket, or from a proxy that names no client, have no limits', () => {
  const isProxy = (address: string) => address === PROXY;
  const limits = new AddressLimits({ connectionsPerAddress: 1, connectsPerSecond: 1, isProxy });
  for (let i = 0; i < 100; i++)
    for (const address of ['', PROXY]) assert.equal(come(limits, address).breach, undefined);
});

test('a server refuses a connection over the limit with 429 and Retry-After, and accepts it after another has closed', async (t) => {
  const refused: string[] = [];
  const addressLimits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 1 });
  const { url } = await serveHub(
    t,
    {},
    {
      addressLimits,
      onRefused: (reason, address) => refused.push(`${reason} ${address}`),
    },
  );
  const first = await HubPeer.join(t, url);
  await assert.rejects(connectWebSocket(url), /429/);
  assert.deepEqual(refused, ['address_connections 127.0.0.1']);
  first.client.close();
  await first.client.closed;
  await until(() => addressLimits.connectionsOf('127.0.0.1') === 0, 'the address has no connection');
  await HubPeer.join(t, url);
});

test('the client is told the reason for other refusals too', async (t) => {
  const refused: string[] = [];
  const { url } = await serveHub(t, {}, { onRefused: (reason) => refused.push(reason), hosts: ['127.0.0.1'] });
  await assert.rejects(connectWebSocket(url, { headers: { Origin: 'https://example.org' } }), /403/);
  await assert.rejects(connectWebSocket(url, { headers: { Host: 'example.org' } }), /421/);
  assert.deepEqual(refused, ['origin', 'host']);
});

/** A socket and the requests on it, as an engine would have them. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;
  isIn = false;
  responses: EventEmitter[] = [];

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const response of this.responses.splice(0)) response.emit('close');
    this.emit('close');
  }
}

test('all addresses together have a thousand more sockets than WebSockets; beyond that the longest idle one makes room, or the new one is refused', () => {
  const limits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 100, connections: 5 });
  const come = (n: number) => {
    const socket = new FakeSocket(`203.0.${n >> 8}.${n & 255}`);
    return { socket, isIn: limits.accept(socket as unknown as Socket) };
  };
  const sockets = Array.from({ length: 1_005 }, (_, n) => come(n));
  assert.ok(sockets.every(({ isIn }) => isIn) && limits.isFull);
  assert.equal(come(2_000).isIn, false);
  for (const { socket } of sockets.slice(0, 2)) {
    const response = new EventEmitter();
    limits.admit({ socket } as never, response as never);
    response.emit('close');
  }
  assert.equal(come(2_001).isIn, true);
  assert.deepEqual(
    sockets.slice(0, 3).map(({ socket }) => socket.destroyed),
    [true, false, false],
  );
  sockets[2]!.socket.destroy();
  assert.equal(come(2_002).isIn, true);
});

const ADDRESSES = ['203.0.113.7', '2001:db8::7', PROXY];
const step = fc.oneof(
  fc.record({ does: fc.constant('connect' as const), address: fc.constantFrom(...ADDRESSES) }),
  fc.record({ does: fc.constantFrom('ask' as const, 'answer' as const, 'close' as const), index: fc.nat() }),
);

test('in any sequence of connections and requests, no address exceeds its limit, no proxy is refused, and nothing is left behind', (t) => {
  const seed = Date.now() | 0;
  t.diagnostic(`seed ${seed}`);
  const property = fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (steps, most) => {
    const isProxy = (address: string) => address === PROXY;
    const limits = new AddressLimits({ connectionsPerAddress: most, connectsPerSecond: 1, isProxy });
    let sockets: FakeSocket[] = [];
    for (const { does, ...what } of steps) {
      if (does === 'connect') {
        const { address } = what as { address: string };
        const socket = new FakeSocket(address);
        const isIn = limits.accept(socket as unknown as Socket);
        assert.ok(isIn || (!isProxy(address) && limits.connectionsOf(address) > most));
        if (isIn) sockets.push(socket);
      } else {
        const socket = sockets[(what as { index: number }).index % sockets.length];
        if (does === 'close') socket?.destroy();
        else if (does === 'answer') socket?.responses.shift()?.emit('close');
        else if (socket) {
          const response = new EventEmitter();
          const breach = limits.admit({ socket } as never, response as never);
          assert.ok(!(breach && (socket.isIn || isProxy(socket.remoteAddress))), 'one that is in stays in');
          if (!breach) socket.responses.push(response);
          socket.isIn ||= !breach;
        }
      }
      sockets = sockets.filter(({ destroyed }) => !destroyed);
      for (const address of ADDRESSES) {
        const here = sockets.filter(({ remoteAddress }) => remoteAddress === address);
        assert.equal(limits.connectionsOf(address), isProxy(address) ? 0 : here.length);
        if (!isProxy(address)) assert.ok(here.filter(({ isIn }) => isIn).length <= most);
      }
    }
    for (const socket of sockets) {
      assert.ok(socket.listenerCount('close') <= 3);
      socket.destroy();
    }
    for (const address of ADDRESSES) {
      assert.equal(limits.connectionsOf(address), 0);
      const socket = new FakeSocket(address);
      assert.ok(limits.accept(socket as unknown as Socket));
      assert.equal(limits.admit({ socket } as never), undefined);
    }
  });
  fc.assert(property, { seed, numRuns: 500 });
});
