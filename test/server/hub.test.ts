import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqlite } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { HubPeer, serveHub } from './hub-peer.ts';

const CHANNEL = 'chat:42';

async function text(client: WebSocketClient): Promise<unknown> {
  return (await client[Symbol.asyncIterator]().next()).value;
}

test('publications of one client reach the others over real sockets in order, however fast', async (t) => {
  const { hub, url } = await serveHub(t);
  const [ana, luis] = [await HubPeer.join(t, url), await HubPeer.join(t, url)];
  await luis.ask('sub', CHANNEL);
  for (let n = 1; n <= 500; n++) ana.say('pub', 1000 + n, CHANNEL, n, { key: `k${n}` });
  const expected = Array.from({ length: 500 }, (_, n) => [n + 1, n + 1]);
  assert.deepEqual(await luis.publications(500), expected);
  assert.equal((await hub.publish(CHANNEL, 'from the server'))[1], 501);
  assert.deepEqual(await luis.publications(1), [[501, 'from the server']]);
});

test('a reader that catches up while others publish misses nothing and gets nothing twice', async (t) => {
  const { hub, url } = await serveHub(t, { channels: { '*': { history: { size: 10_000 } } } });
  for (let n = 1; n <= 3_000; n++) await hub.publish(CHANNEL, n);
  const [epoch] = await hub.publish(CHANNEL, 3_001);
  const ana = await HubPeer.join(t, url);
  const { ch } = await ana.ask('sub', CHANNEL, { at: [epoch, 0], credit: 500 });
  let last = 0;
  let live = false;
  for (let published = 3_001; last < 4_500; ) {
    const line = await ana.next();
    if (line?.[0] === 'live') live = true;
    if (line?.[0] !== 'm') continue;
    assert.equal(line[2], ++last);
    if (last % 4 === 0 || live) await hub.publish(CHANNEL, ++published);
    if (!live && last % 250 === 0) ana.say('more', ch, 250);
  }
  assert.ok(live);
});

test('publications missed during a restart are delivered afterwards from the file', async (t) => {
  const folder = temporaryFolder(t);
  const open = () => new Hub({ broker: sqlite(join(folder, 'square.db')) });
  let hub = open();
  let server = await serve(hub, 'ws://127.0.0.1:0');
  const ana = await HubPeer.join(t, server.addresses[0]!);
  const { epoch } = await ana.ask('sub', CHANNEL);
  await hub.publish(CHANNEL, 'uno', { key: 'k' });
  assert.deepEqual(await ana.publications(1), [[1, 'uno']]);
  await server.close({ grace: 1000 });
  assert.equal((await ana.until('bye'))[1], 'SHUTTING_DOWN');
  assert.equal((await ana.client.closed).code, 1012);
  await hub.publish(CHANNEL, 'dos');
  await hub.close();

  hub = open();
  server = await serve(hub, 'ws://127.0.0.1:0');
  t.after(async () => {
    await server.close({ grace: 0 });
    await hub.close();
  });
  assert.deepEqual(await hub.publish(CHANNEL, 'uno', { key: 'k' }), [epoch, 1]);
  const again = await HubPeer.join(t, server.addresses[0]!);
  await again.ask('sub', CHANNEL, { at: [epoch, 1] });
  await hub.publish(CHANNEL, 'tres');
  assert.deepEqual(await again.publications(2), [
    [2, 'dos'],
    [3, 'tres'],
  ]);
});

test('a reader that stops reading costs its queue and no more, and gets everything when it reads again', async (t) => {
  const queueLimit = 256 * 1024;
  const { hub, server, url } = await serveHub(
    t,
    { channels: { '*': { history: { size: 10_000 } } } },
    { queueLimit, compression: false },
  );
  const friend = await HubPeer.join(t, url);
  await friend.ask('sub', CHANNEL);
  const deaf = await RawClient.open(url, { fields: { 'Sec-WebSocket-Protocol': SUBPROTOCOL }, deaf: true });
  t.after(() => deaf.socket.destroy());
  deaf.send(wire.text('["hi",1]\n["sub",2,"chat:42"]'));
  await until(() => [...server.users].every((user) => user.topics.length >= 2), 'all are subscribed');
  const data = 'x'.repeat(10_000);
  let most = 0;
  for (let n = 1; n <= 2_000; n++) {
    await hub.publish(CHANNEL, data);
    assert.equal((await friend.until('m'))[2], n);
    for (const user of server.users) most = Math.max(most, user.bufferedAmount);
  }
  assert.ok(most > queueLimit, 'it did get slow');
  assert.ok(most < 2 * queueLimit, `${most} bytes were queued`);
  deaf.listen();
  let offset = 0;
  while (offset < 2_000) {
    const frame = await deaf.next();
    assert.ok(frame, `the connection ended after ${offset}`);
    for (const line of frame.payload.toString().split('\n')) {
      const [verb, , number] = JSON.parse(line);
      if (verb === 'm') assert.equal(number, ++offset);
    }
  }
  await hub.publish(CHANNEL, 'live again');
  assert.match((await deaf.next())!.payload.toString(), /"m",1,2001,"live again"/);
});

test('without a subprotocol the path names a channel: text in, text out, beside clients of the protocol', async (t) => {
  const { hub, url } = await serveHub(t);
  const [one, two] = [await connectWebSocket(`${url}/${CHANNEL}`), await connectWebSocket(`${url}/${CHANNEL}`)];
  t.after(() => [one, two].map((client) => client.terminate()));
  const ana = await HubPeer.join(t, url);
  await ana.ask('sub', CHANNEL);
  two.send('¿estás?');
  assert.equal(await text(one), '¿estás?');
  one.send('sí "aquí"');
  assert.equal(await text(two), 'sí "aquí"');
  assert.deepEqual(await ana.publications(2), [
    [1, '¿estás?'],
    [2, 'sí "aquí"'],
  ]);
  await ana.ask('pub', CHANNEL, { nested: true });
  await hub.publish(CHANNEL, 'todos');
  for (const client of [one, two])
    assert.deepEqual([await text(client), await text(client)], ['{"nested":true}', 'todos']);
  const lost = await connectWebSocket(`${url}/`);
  assert.equal((await lost.closed).code, 1008);
});

test('binary messages end the connection with 1003', async (t) => {
  const { url } = await serveHub(t);
  const ana = await HubPeer.join(t, url);
  ana.client.send(new Uint8Array([1]));
  assert.equal((await ana.client.closed).code, 1003);
});

test('a client that never reads its answers is cut off', async (t) => {
  const { hub, server, url } = await serveHub(
    t,
    { limits: { requests: 1e6 } },
    { queueLimit: 64 * 1024, compression: false },
  );
  hub.method('much', () => 'x'.repeat(10_000));
  const deaf = await RawClient.open(url, { fields: { 'Sec-WebSocket-Protocol': SUBPROTOCOL }, deaf: true });
  deaf.send(wire.text('["hi",1]'));
  const ask = () => {
    deaf.send(wire.text('["call",2,"much"]'));
    return server.users.size === 0;
  };
  await until(ask, 'the one who does not read is cut off');
  assert.equal(hub.connections.length, 0);
});

test('a pattern delivers its channels over sockets, each publication once, and everything to a slow reader', async (t) => {
  const { hub, url } = await serveHub(t, { channels: { '*': { patterns: true } } }, { queueLimit: 64 * 1024 });
  const peer = await HubPeer.join(t, url);
  assert.deepEqual(await peer.ask('sub', 'sensor:*'), {});
  const data = 'x'.repeat(10_000);
  for (let count = 0; count < 300; count++) await hub.publish(`sensor:${count % 3}`, data);
  const seen = new Map<number, number>();
  for (let count = 0; count < 300; ) {
    const line = await peer.next();
    assert.ok(line, 'the connection ended');
    if (line[0] === 'ch') seen.set(line[1] as number, line[4] as number);
    if (line[0] !== 'm') continue;
    assert.equal(line[2], seen.get(line[1] as number)! + 1);
    seen.set(line[1] as number, line[2] as number);
    count++;
  }
  assert.deepEqual([...seen.values()], [100, 100, 100]);
});

test('a server that cannot listen leaves nothing in its hub', async (t) => {
  const { hub, url } = await serveHub(t);
  const delivered: string[] = [];
  const add = hub.addFanOut.bind(hub);
  let fanOuts = 0;
  hub.addFanOut = () => {
    fanOuts++;
    return add({ publish: (topic) => delivered.push(topic) });
  };
  await assert.rejects(serve(hub, url), { code: 'ADDRESS_IN_USE' });
  const peer = await HubPeer.join(t, url);
  await peer.ask('sub', 'chat:42');
  await hub.publish('chat:42', 1);
  assert.deepEqual([fanOuts, delivered], [2, []]); // of the WebSockets, and of those who are blocked
});
