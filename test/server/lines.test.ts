import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/stream/index.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';

const LINES = { lines: { listen: 'tcp://127.0.0.1:0', channel: 'chat:square' } };

async function place(t: TestContext, input: Parameters<typeof startDaemon>[1] = {}) {
  const parts = await startDaemon(t, { ...LINES, ...input });
  const join = async () => {
    const socket = await connect(parts.daemon.lineAddresses[0]!);
    t.after(() => socket.destroy());
    return socket;
  };
  /** Resolves when the hub has let so many in. */
  const here = async (count: number) => {
    while (parts.daemon.hub.connections.length < count) await new Promise(setImmediate);
  };
  return { ...parts, join, here };
}

test('nc, a plain WebSocket and the page meet in one room', { skip: missing('nc') }, async (t) => {
  const { daemon, url, client, here } = await place(t);
  const { port } = new URL(daemon.lineAddresses[0]!.replace('tcp', 'http'));
  const nc = spawn('nc', ['127.0.0.1', port], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => nc.kill());
  const heardByNc = createInterface({ input: nc.stdout })[Symbol.asyncIterator]();
  const plain = new WebSocket(`${url.replace('http', 'ws')}/chat:square?name=Luis`);
  t.after(() => plain.close());
  await once(plain, 'open');
  const page = client().subscribe('chat:square');
  await new Promise((resolve) => page.on('live', resolve));
  await here(3);

  const heardByPlain = once(plain, 'message');
  nc.stdin.write('hola\n');
  const { value: first } = await page[Symbol.asyncIterator]().next();
  assert.equal((first!.data as { text: string }).text, 'hola');
  const [{ data }] = await heardByPlain;
  assert.match(data, /^Guest \w+: hola$/);

  plain.send('buenas');
  assert.equal((await heardByNc.next()).value, 'Luis: buenas');
  await page.publish({ text: 'qué tal', name: 'Ana', person: 'ana' });
  assert.equal((await heardByNc.next()).value, 'Ana: qué tal');
});

test('who has sent all their lines can still hear, and a device may hang up at once', async (t) => {
  const { join, daemon } = await place(t);
  const socket = await join();
  const published: unknown[] = [];
  const all = new Promise<void>((resolve) => {
    void daemon.hub.watch('chat:square', (_, data) => {
      published.push((data as { text: string }).text);
      if (published.length === 2) resolve();
    });
  });
  socket.end('reading 1\nreading 2\n');
  await all;
  assert.deepEqual(published, ['reading 1', 'reading 2']);
  const lines = socket.lines();
  await daemon.hub.publish('chat:square', { text: 'thanks', name: 'Server' });
  assert.equal((await lines.next()).value, 'Server: thanks');
});

test('a line that is too long ends its connection, and nobody else’s', async (t) => {
  const { join, daemon, here } = await place(t);
  const [good, bad] = [await join(), await join()];
  await here(2);
  bad.resume().write('x'.repeat(100_000));
  await once(bad, 'end');
  await daemon.hub.publish('chat:square', { text: 'still here', name: 'Server' });
  assert.equal((await good.lines().next()).value, 'Server: still here');
});

test('a reader that does not read is let go, and its memory with it', async (t) => {
  const { join, daemon, here } = await place(t);
  await join(); // and never reads
  await here(1);
  const text = 'x'.repeat(4_000);
  while (daemon.hub.connections.length > 0) {
    await daemon.hub.publish('chat:square', { text, name: 'Server' });
    await new Promise(setImmediate);
  }
  assert.equal(daemon.hub.subscribers('chat:square'), 0);
});

test('whoever may not come in is told so by the last line', async (t) => {
  const { join } = await place(t, { auth: { anonymous: false } });
  const socket = await join();
  assert.match(await socket.text(), /^UNAUTHORIZED: /);
});
