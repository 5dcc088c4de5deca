import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { readHead, response } from '../conformance/handshake.ts';
import { RawPeer } from '../conformance/raw-peer.ts';

test('a client masks each frame with a new key, also when it sends the same text again', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const peer = once(listener, 'connection').then(async ([socket]: Socket[]) => {
    const head = await readHead(socket!);
    socket!.write(response(head!.fields.get('sec-websocket-key')![0]!));
    return new RawPeer(socket!, 'server').start(head!.rest);
  });
  // RFC 6455 §5.3: nobody may foresee the key of the next frame.
  const client = await connectWebSocket(`ws://127.0.0.1:${port}`);
  for (let n = 0; n < 10; n++) client.send('hola');
  const raw = await peer;
  await raw.until(() => raw.events.length >= 10);
  assert.deepEqual([raw.trouble, new Set(raw.keys).size], [undefined, 10]);
  client.terminate();
});
