import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { ClientAddress } from '../../src/server/http/index.ts';
import { AddressLimits } from '../../src/server/limits/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HttpPeer } from '../support/http-peer.ts';
import { until } from '../support/until.ts';
import { serveHub } from './hub-peer.ts';

const httpOf = (url: string) => url.replace(/^ws/, 'http');

test('a request that is sent twice is taken once', async (t) => {
  const { hub, url } = await serveHub(t);
  const peer = await HttpPeer.open(t, httpOf(url));
  const body = `["session","${peer.id}",1]\n["hi",1,{}]\n["pub",2,"news","hola"]`;
  assert.deepEqual([await peer.send(body), await peer.send(body)], [204, 204]);
  await peer.hears('["ok",2');
  assert.equal(await peer.send(`["session","${peer.id}",2]\n["pub",3,"news","adios"]`), 204);
  await peer.hears('["ok",3');
  const { entries } = await hub.history('news');
  assert.deepEqual(
    entries.map(([, data]) => data),
    ['hola', 'adios'],
  );
});

test('a session whose request did not arrive is ended, so that nothing is taken out of order', async (t) => {
  const { hub, url } = await serveHub(t);
  const peer = await HttpPeer.open(t, httpOf(url));
  await peer.say('["hi",1,{}]');
  await peer.hears('["ok",1');
  assert.equal(await peer.send(`["session","${peer.id}",3]\n["pub",3,"news","second"]`), 400);
  await assert.rejects(peer.hears('anything'));
  assert.equal(hub.connections.length, 0);
  assert.deepEqual((await hub.history('news')).entries, []);
});

test('a foreign page opens no session, and a page of another origin cannot speak in one, even with its id', async (t) => {
  const refused: string[] = [];
  const { url } = await serveHub(
    t,
    {},
    { origins: 'https://ours.example', onRefused: (reason) => refused.push(reason) },
  );
  const http = httpOf(url);
  const foreign = await HttpPeer.ask(http, { origin: 'https://foreign.example' });
  assert.equal(foreign.status, 403);
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
  assert.deepEqual(refused, ['origin']);
  const ours = await HttpPeer.ask(http, { origin: 'https://ours.example' });
  assert.equal(ours.headers.get('access-control-allow-origin'), 'https://ours.example');
  await ours.body?.cancel();
  const peer = await HttpPeer.open(t, http, { origin: 'https://ours.example' });
  const hi = `["session","${peer.id}",1]\n["hi",1,{}]`;
  // A page of the server itself may open sessions too, but not speak in those of others.
  assert.equal(await peer.send(hi, { origin: http }), 404);
  assert.equal(await peer.send(`["session","${peer.id.slice(1)}",1]`), 404);
  assert.equal(await peer.send(hi), 204);
  await peer.hears('["ok",1');
});

test('a request that does not belong to a session is refused, and so is a body that is too long', async (t) => {
  const { url } = await serveHub(t, {}, { maxMessage: 1_000, hosts: 'ours.example' });
  const peer = await HttpPeer.open(t, httpOf(url));
  for (const body of [
    '',
    'hola',
    '[]',
    '{}',
    '["session"]',
    '["session",1,1]',
    '["session","a","1"]',
    '["session","a",1,""]',
  ])
    assert.equal(await peer.send(body), 400, body);
  assert.equal(await peer.send(`["session","${peer.id}",1]\n["pub",2,"news","${'x'.repeat(1_200)}"]`), 413);
  assert.equal((await fetch(`${httpOf(url)}/?zocalo=a`)).status, 405);
  assert.equal((await fetch(`${httpOf(url)}/`)).status, 426);
});

test('a client that is silent is asked, and then dropped', async (t) => {
  const clock = new FakeClock();
  const { hub, url } = await serveHub(
    t,
    { clock, pingInterval: 1e9 },
    { clock, pingInterval: 30_000, pongTimeout: 15_000 },
  );
  const peer = await HttpPeer.open(t, httpOf(url));
  await peer.say('["hi",1,{}]');
  await peer.hears('["ok",1');
  clock.advance(30_000);
  assert.equal(await peer.hears('data: '), 'data: []');
  await peer.say('[1]');
  clock.advance(30_000);
  assert.equal(await peer.hears('data: '), 'data: []');
  assert.equal(hub.connections.length, 1);
  clock.advance(15_000);
  await assert.rejects(peer.hears('anything'));
  assert.equal(hub.connections.length, 0);
});

test('sessions count among the connections of the server and of their address', async (t) => {
  const limits = { connectionsPerAddress: 2, connectsPerSecond: 100 };
  const addressLimits = new AddressLimits({ ...limits, isProxy: (address) => address === '127.0.0.1' });
  const addresses = new ClientAddress(['127.0.0.1']);
  const clientAddress = addresses.of.bind(addresses);
  const { server, url } = await serveHub(t, {}, { maxConnections: 3, addressLimits, clientAddress });
  const http = httpOf(url);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  await HttpPeer.open(t, http, from('203.0.113.1'));
  await HttpPeer.open(t, http, from('203.0.113.1'));
  assert.equal((await HttpPeer.ask(http, from('203.0.113.1'))).status, 429);
  const third = await HttpPeer.open(t, http, from('203.0.113.2'));
  assert.equal(server.traffic.sockets, 3);
  assert.equal((await HttpPeer.ask(http, from('203.0.113.3'))).status, 503);
  const socket = new WebSocket(url, 'zocalo.1');
  await new Promise((resolve) => {
    socket.onclose = resolve;
  });
  assert.equal(await third.send(`["session","${third.id}",1,1000]`), 204);
  await until(() => server.traffic.sockets === 2, 'it is gone');
});

test('what a client says before it closes is taken, and the hub learns that it left on purpose', async (t) => {
  const codes: number[] = [];
  const { hub, url } = await serveHub(t);
  hub.observe({ onDisconnect: (_, code) => codes.push(code) });
  const peer = await HttpPeer.open(t, httpOf(url));
  await peer.say('["hi",1,{}]');
  await peer.hears('["ok",1');
  assert.equal(await peer.send(`["session","${peer.id}",2,1000]\n["pub",2,"news","goodbye"]`), 204);
  await assert.rejects(peer.hears('anything'));
  await until(() => codes.length > 0, 'the hub knows');
  assert.deepEqual(codes, [1000]);
  assert.equal((await hub.history('news')).entries.length, 1);
});

test('a server of your own passes on the requests that are of the fallback', async (t) => {
  const hub = new Hub({ broker: memory() });
  const own = createServer((request, response) => {
    if (!realtime.takeRequest(request, response)) response.end('a page');
  }).listen(0, '127.0.0.1');
  const realtime = await serve(hub, { server: own });
  t.after(async () => {
    await realtime.close({ grace: 0 });
    await hub.close();
    own.closeAllConnections();
    own.close();
  });
  await once(own, 'listening');
  const url = `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
  assert.equal(await (await fetch(url)).text(), 'a page');
  const peer = await HttpPeer.open(t, url);
  await peer.say('["hi",1,{}]');
  await peer.hears('["ok",1');
});
