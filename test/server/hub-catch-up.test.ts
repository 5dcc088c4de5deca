import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import * as wire from '../conformance/frame.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { HubPeer, serveHub } from './hub-peer.ts';

const data = 'x'.repeat(60_000);

test('a reader who was away catches up with many full channels at once, and does not count as slow', async (t) => {
  const { hub, url } = await serveHub(t);
  const channels = Array.from({ length: 16 }, (_, number) => `chat:${number}`);
  const behind = new Map<string, readonly [string, number]>();
  for (const channel of channels) {
    const [epoch] = await hub.publish(channel, data);
    behind.set(channel, [epoch, 0]);
    for (let count = 1; count < 5; count++) await hub.publish(channel, data);
  }
  const peer = await HubPeer.join(t, url);
  for (const [index, channel] of channels.entries()) peer.say('sub', index + 2, channel, { at: behind.get(channel) });
  assert.equal((await peer.publications(5 * channels.length)).length, 80);
});

test('a page of the log that waits for its reader fits into the smallest queue, with an answer behind it', async (t) => {
  const { hub, server, url } = await serveHub(t, {}, { queueLimit: 1_024, compression: false });
  const [epoch] = await hub.publish('chat:1', data);
  for (let count = 1; count < 200; count++) await hub.publish('chat:1', data);
  const reader = await RawClient.open(url, { fields: { 'Sec-WebSocket-Protocol': SUBPROTOCOL }, deaf: true });
  t.after(() => reader.socket.destroy());
  reader.send(wire.text(`["hi",1]\n["sub",2,"chat:1",{"at":["${epoch}",0],"credit":1000}]`));
  const [user] = server.users;
  // More than the system's buffers take.
  await until(() => user!.bufferedAmount >= 100_000, '100 kB wait for the reader');
  const before = user!.bufferedAmount;
  reader.send(wire.text('["un",3,"chat:2"]'));
  await until(() => user!.bufferedAmount !== before || server.users.size === 0, 'more is written');
  reader.listen();
  let offset = 0;
  while (offset < 200) {
    const frame = await reader.next();
    assert.ok(frame, `the connection ended after ${offset}`);
    for (const line of frame.payload.toString().split('\n')) if (line.startsWith('["m"')) offset += 1;
  }
});
