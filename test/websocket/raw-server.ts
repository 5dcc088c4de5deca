import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { readHead, response } from '../conformance/handshake.ts';
import { RawPeer } from '../conformance/raw-peer.ts';

/** A server for one client that accepts its handshake, and then does only what the test says. */
export async function rawServer(t: TestContext): Promise<{ url: string; peer: Promise<RawPeer> }> {
  const listener = createServer().listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const peer = once(listener, 'connection').then(async ([socket]: Socket[]) => {
    const head = await readHead(socket!);
    socket!.write(response(head!.fields.get('sec-websocket-key')![0]!));
    return new RawPeer(socket!, 'server').start(head!.rest);
  });
  return { url: `ws://127.0.0.1:${port}`, peer };
}
