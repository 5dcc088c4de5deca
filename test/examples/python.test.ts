import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { Program } from '../support/cli.ts';
import { missing } from '../support/need.ts';

const CLIENT = fileURLToPath(new URL('../../examples/python/client.py', import.meta.url));

/** A TCP proxy, which cuts its first connection before the server's words that hold `words`. */
async function lineCutBefore(t: TestContext, words: string, target: number): Promise<number> {
  let isCut = false;
  const proxy = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    client.pipe(server);
    server.on('data', (data) => {
      if (isCut || !data.includes(words)) client.write(data);
      else {
        isCut = true;
        client.destroy();
      }
    });
    client.on('error', () => {}).on('close', () => server.destroy());
    server.on('error', () => {}).on('close', () => client.destroy());
  });
  t.after(() => proxy.close());
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return (proxy.address() as AddressInfo).port;
}

test('examples/python/client.py sends and receives everything once, even if its connection is cut before the answer', {
  skip: missing('python3'),
  timeout: 60_000,
}, async (t) => {
  const hub = new Hub({ broker: memory(), pingInterval: 100 });
  const server = await serve(hub, 'ws://127.0.0.1:0');
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  const lines = new Map<string, number>();
  const answersPings = new Promise<void>((resolve) => {
    hub.observe({
      onReceived({ id }, count) {
        lines.set(id, (lines.get(id) ?? 0) + count);
        // After the loss: hi, sub, two publications, and an answer to each ping.
        if (lines.size === 2 && lines.get(id)! >= 4 + 3) resolve();
      },
    });
  });
  const port = await lineCutBefore(t, '"at":', Number(new URL(server.addresses[0]!).port));
  const python = new Program('python3', ['-B', CLIENT, `ws://127.0.0.1:${port}/`, 'chat:42', 'hola', '¿qué tal? 👋']);
  t.after(() => python.stop());
  await answersPings;
  await hub.publish('chat:42', 'x'.repeat(200));
  await hub.publish('chat:42', 'y'.repeat(65_000));
  await python.says(/y{65000}\n/);
  assert.equal(python.stdout, `hola\n¿qué tal? 👋\n${'x'.repeat(200)}\n${'y'.repeat(65_000)}\n`);
  assert.match(python.stderr, /^lost: .*\n$/);
  assert.equal((await hub.history('chat:42')).head, 4);
});
