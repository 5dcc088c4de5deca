import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HubPeer, serveHub } from './hub-peer.ts';

test('somebody who was away catches up with many full channels at once, and is not taken for slow', async (t) => {
  const { hub, url } = await serveHub(t);
  const channels = Array.from({ length: 16 }, (_, number) => `chat:${number}`);
  const data = 'x'.repeat(60_000);
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
