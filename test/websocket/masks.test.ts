import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { rawServer } from './raw-server.ts';

test('a client masks each frame with a new key, also when it sends the same text again', async (t) => {
  const { url, peer } = await rawServer(t);
  // RFC 6455 §5.3: nobody may foresee the key of the next frame.
  const client = await connectWebSocket(url);
  for (let n = 0; n < 10; n++) client.send('hola');
  const raw = await peer;
  await raw.until(() => raw.events.length >= 10);
  assert.deepEqual([raw.trouble, new Set(raw.keys).size], [undefined, 10]);
  client.terminate();
});
