import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type FallbackOptions, withFallback } from '../../src/client/fallback.ts';
import { Client, type ClientOptions } from '../../src/client/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';
import { FakeStorage } from './fake-storage.ts';

/** WebSockets on a network that can block them. */
async function network() {
  const nowhere = `ws://127.0.0.1:${await freePort()}`;
  const state = { isBlocked: true, tried: 0 };
  class Blockable extends WebSocket {
    constructor(url: string, subprotocol: string) {
      state.tried++;
      super(state.isBlocked ? nowhere : url, subprotocol);
    }
  }
  return { state, WebSocket: Blockable as unknown as NonNullable<FallbackOptions['WebSocket']> };
}

const through = (proxy: TcpProxy) => `ws://127.0.0.1:${proxy.port}`;
const portOf = (url: string) => Number(new URL(url).port);

test('where WebSockets are blocked a client subscribes, publishes and calls by requests, and elsewhere it uses a WebSocket', async (t) => {
  const { hub, server, url } = await serveHub(t, { channels: { '*': { presence: true } } });
  hub.method('double', (data) => 2 * (data as number));
  const { state, WebSocket } = await network();
  const client = new Client(`${url}/room?a=b`, { WebSocket: withFallback({ WebSocket }), random: () => 0 });
  t.after(() => client.close());
  const chat = client.subscribe<string>('chat', { presence: true, member: { name: 'Ana' } });
  const heard: string[] = [];
  chat.on('message', ({ data }) => heard.push(data));
  assert.equal(await client.call('double', 21), 42);
  const texts = Array.from({ length: 50 }, (_, n) => `${n}: ¿qué tal?\n`);
  await Promise.all(texts.map((text) => chat.publish(text)));
  await until(() => heard.length === 50, 'all are heard');
  assert.deepEqual(heard, texts);
  assert.equal(chat.presence.size, 1);
  assert.deepEqual([server.users.size, server.traffic.sockets, state.tried], [0, 1, 2]);

  const other = new Client(url, { WebSocket: withFallback() });
  t.after(() => other.close());
  assert.equal(await other.call('double', 1), 2);
  assert.equal(server.users.size, 1);
});

test('nothing is lost or doubled when a connection goes on by requests, and back by a WebSocket', async (t) => {
  const { hub, server, url } = await serveHub(t);
  const proxy = await startProxy(t, portOf(url));
  const { state, WebSocket } = await network();
  state.isBlocked = false;
  const clock = new FakeClock();
  const client = new Client(through(proxy), { WebSocket: withFallback({ WebSocket, clock }), random: () => 0 });
  t.after(() => client.close());
  const chat = client.subscribe<number>('chat');
  const heard: number[] = [];
  chat.on('message', ({ data }) => heard.push(data));
  chat.on('gap', () => heard.push(Number.NaN));
  await new Promise((resolve) => chat.on('live', resolve));
  let last = 0;
  /** We publish, and others, while the connection is cut. */
  const publishAndCut = async () => {
    const ours = Array.from({ length: 20 }, () => chat.publish(++last));
    await turn();
    proxy.cut();
    for (let n = 0; n < 20; n++) await hub.publish('chat', ++last);
    await Promise.all(ours);
    await until(() => heard.length === last, `${last} are heard`);
  };
  await publishAndCut();
  assert.equal(server.users.size, 1);
  state.isBlocked = true;
  await publishAndCut();
  assert.deepEqual([server.users.size, server.traffic.sockets], [0, 1]);
  await publishAndCut();
  assert.deepEqual([server.users.size, server.traffic.sockets], [0, 1]);
  state.isBlocked = false;
  clock.advance(600_001);
  await publishAndCut();
  assert.deepEqual([server.users.size, server.traffic.sockets], [1, 1]);
  const { entries } = await hub.history('chat', { limit: 1_000 });
  assert.deepEqual(
    heard,
    entries.map(([, data]) => data),
  );
  assert.deepEqual(
    heard.toSorted((a, b) => a - b),
    Array.from({ length: 160 }, (_, n) => n + 1),
  );
});

test('requests follow the last failed WebSocket at once, and each of them has something to say', async (t) => {
  const { url } = await serveHub(t);
  const { state, WebSocket } = await network();
  const bodies: string[] = [];
  const counted: typeof fetch = (where, request) => {
    bodies.push(String(request?.body ?? ''));
    return fetch(where, request);
  };
  const client = new Client(url, {
    WebSocket: withFallback({ WebSocket, fetch: counted, failures: 1 }),
    random: () => 0,
  });
  t.after(() => client.close());
  const states: string[] = [];
  client.on('state', (now) => states.push(now));
  client.open();
  await until(() => client.state === 'open', 'it is open');
  assert.deepEqual([state.tried, states], [1, ['connecting', 'open']], 'without a pause');
  for (let count = 0; count < 3; count++) await client.publish('chat', count);
  // Of each session: the request that brings events, and those that bring lines behind the first one.
  assert.deepEqual(
    [bodies[0], bodies.slice(1).every((body) => body.includes('\n'))],
    ['', true],
    bodies.join('\n---\n'),
  );
});

test('connections by requests that are cut again and again do not put off the WebSocket for ever', async (t) => {
  const { server, url } = await serveHub(t);
  const proxy = await startProxy(t, portOf(url));
  const { state, WebSocket } = await network();
  const clock = new FakeClock();
  const client = new Client(through(proxy), { WebSocket: withFallback({ WebSocket, clock }), random: () => 0 });
  t.after(() => client.close());
  client.open();
  let opened = 0;
  client.on('state', (now) => {
    if (now === 'open') opened++;
  });
  await until(() => opened === 1, 'it is open');
  const cutAfter = async (minutes: number) => {
    clock.advance(minutes * 60_000);
    const before = opened;
    proxy.cut();
    await until(() => opened > before, 'it is open again');
    return state.tried;
  };
  assert.deepEqual([state.tried, await cutAfter(4), await cutAfter(4)], [2, 2, 2]);
  assert.equal(await cutAfter(4), 3, 'one failure is enough now');
  assert.equal(await cutAfter(9), 3);
  state.isBlocked = false;
  assert.equal(await cutAfter(2), 4);
  assert.equal(server.users.size, 1);
});

test('a proxy that lets the handshake through and drops every frame is noticed', async (t) => {
  const { hub, server, url } = await serveHub(t);
  const proxy = await startProxy(t, portOf(url));
  proxy.loses = ({ sent }, chunk) => /upgrade: websocket/i.test(sent) && !chunk.startsWith('HTTP/1.1 101');
  const clock = new FakeClock();
  const options: ClientOptions = { clock, random: () => 0, WebSocket: withFallback({ clock }) };
  const client = new Client(through(proxy), options);
  t.after(() => client.close());
  client.open();
  let isOpen = false;
  client.on('state', (state) => {
    isOpen = state === 'open';
  });
  for (let attempts = 0; !isOpen && attempts < 3; attempts++) {
    await until(() => isOpen || server.users.size === 1 || server.traffic.received > 100 * attempts, 'a frame is sent');
    for (let turns = 0; turns < 20; turns++) await turn();
    if (!isOpen) clock.advance(11_000);
  }
  await until(() => isOpen, 'it is open');
  assert.equal(hub.connections.length, 1);
});

test('it is remembered over a page load for ten minutes, and forgotten when requests fail', async (t) => {
  const { server, url } = await serveHub(t);
  const proxy = await startProxy(t, portOf(url));
  const { state, WebSocket } = await network();
  const clock = new FakeClock();
  const storage = new FakeStorage();
  /** A page with a client, until it is open. */
  const visit = async () => {
    state.tried = 0;
    const client = new Client(through(proxy), {
      WebSocket: withFallback({ WebSocket, clock, storage }),
      random: () => 0,
    });
    t.after(() => client.close());
    client.open();
    await until(() => client.state === 'open', 'it is open');
    return client;
  };
  (await visit()).close();
  assert.equal(state.tried, 2);
  state.isBlocked = false;
  const second = await visit();
  assert.equal(state.tried, 0, 'the second page does not try');
  // The network changes: requests fail, and a WebSocket works.
  proxy.isClosed = true;
  proxy.cut();
  await until(() => state.tried > 0, 'a WebSocket is tried');
  assert.equal(storage.length, 0);
  proxy.isClosed = false;
  await until(() => server.users.size === 1 && second.state === 'open', 'it is open');
  second.close();

  state.isBlocked = true;
  (await visit()).close();
  state.isBlocked = false;
  clock.advance(600_001);
  (await visit()).close();
  assert.equal(state.tried, 1, 'ten minutes later it does');
});

test('a platform without WebSocket uses requests at once', async (t) => {
  const { url } = await serveHub(t);
  const { WebSocket } = globalThis;
  t.after(() => {
    globalThis.WebSocket = WebSocket;
  });
  delete (globalThis as Partial<typeof globalThis>).WebSocket;
  assert.throws(() => new Client(url), { code: 'UNAVAILABLE' });
  const client = new Client(url, { WebSocket: withFallback() });
  t.after(() => client.close());
  assert.deepEqual((await client.publish('chat', 1))?.[1], 1);
});

test('with a server that takes no requests, a client goes on trying WebSockets', async (t) => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end('<p>a page</p>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { state, WebSocket } = await network();
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client(url, { WebSocket: withFallback({ WebSocket }), random: () => 0 });
  t.after(() => client.close());
  client.open();
  await until(() => asked === 3, 'requests were tried three times');
  assert.equal(state.tried, 6);
  assert.match(client.state, /^(?:connecting|waiting)$/);
});

test('a frame that is too large for the server is refused as it is on a WebSocket', async (t) => {
  const { url } = await serveHub(t, {}, { maxMessage: 20_000 });
  const { WebSocket } = await network();
  const client = new Client(url, { WebSocket: withFallback({ WebSocket }), random: () => 0 });
  t.after(() => client.close());
  await assert.rejects(client.publish('chat', 'x'.repeat(30_000)), { code: 'TOO_LARGE' });
  await client.publish('chat', 'short');
});
