import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import type { Position } from '../../src/protocol/index.ts';
import type { Daemon } from '../../src/server/daemon.ts';
import { connect } from '../../src/stream/index.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { until } from '../support/until.ts';

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
    await until(() => parts.daemon.hub.connections.length >= count, `${count} are connected`);
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

/** What a channel stores, as soon as it is so much. */
async function stored(daemon: Daemon, channel: string, count: number): Promise<unknown[]> {
  const all: unknown[] = [];
  let at: Position | undefined;
  while (all.length < count) {
    const { epoch, entries } = await daemon.hub.history(channel, { limit: 10_000, ...(at && { at }) });
    for (const [offset, data] of entries) {
      all.push(data);
      at = [epoch, offset];
    }
    await new Promise(setImmediate);
  }
  return all;
}

const READINGS = {
  lines: { listen: 'tcp://127.0.0.1:0', channel: 'readings' },
  channels: {
    readings: { publish: 'everyone', history: { size: 10_000 } },
    slowly: { publish: 'everyone', history: { size: 10_000 }, rate: 150 },
  },
} satisfies Parameters<typeof startDaemon>[1];
const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n + 1));

test('seq 1 300 | nc -N publishes all 300, in their order, though that is more than may be sent at once', {
  skip: missing('nc'),
}, async (t) => {
  const { daemon } = await place(t, READINGS);
  const { port } = new URL(daemon.lineAddresses[0]!.replace('tcp', 'http'));
  const nc = spawn('sh', ['-c', `seq 1 300 | nc -N 127.0.0.1 ${port}`], { stdio: 'ignore' });
  t.after(() => nc.kill());
  assert.deepEqual(await stored(daemon, 'readings', 300), numbers(300));
});

test('a plain WebSocket that sends 300 texts at once, and closes, loses none', async (t) => {
  const { daemon, url } = await place(t, READINGS);
  for (const channel of ['readings', 'slowly']) {
    const plain = new WebSocket(`${url.replace('http', 'ws')}/${channel}`);
    await once(plain, 'open');
    for (const text of numbers(300)) plain.send(text);
    plain.close();
    const [{ code }] = await once(plain, 'close');
    assert.equal(code, 1005);
    assert.deepEqual(await stored(daemon, channel, 300), numbers(300));
  }
});

test('megabytes of lines hold their sender back, and arrive whole', async (t) => {
  const { daemon, join } = await place(t, {
    ...READINGS,
    limits: { messagesPerSecond: 100_000, bytesPerSecond: 100_000_000 },
  });
  const socket = await join();
  const line = 'x'.repeat(4_000);
  for (let n = 0; n < 1_000; n++)
    if (!socket.write(`${n} ${line}\n`)) await new Promise((resolve) => socket.once('drain', resolve));
  socket.end();
  const all = await stored(daemon, 'readings', 1_000);
  assert.ok(all.every((data, n) => data === `${n} ${line}`));
});

test('what cannot be taken ends its connection, and nobody else’s, with a last line that says why, and in the log', async (t) => {
  const { join, daemon, here, log } = await place(t, READINGS);
  const good = await join();
  await here(1);
  const cases: [Buffer | string, RegExp][] = [
    ['x'.repeat(100_000), /^TOO_LARGE: line 3 /],
    [`${'x'.repeat(100_000)}\n`, /^TOO_LARGE: line 3 /],
    ['x'.repeat(65_535), /^TOO_LARGE: the data is larger than /],
    [Buffer.from([0x48, 0xfc, 0x74, 0x74, 0x65]), /^BAD_DATA: line 3 is not UTF-8/],
  ];
  for (const [index, [line, why]] of cases.entries()) {
    const bad = await join();
    bad.write('one\ntwo\n');
    bad.write(line);
    bad.end('\nnever published\n');
    const said = (await bad.text()).trimEnd().split('\n');
    assert.match(said.at(-1)!, why);
    assert.deepEqual((await stored(daemon, 'readings', 2 * index + 2)).slice(-2), ['one', 'two']);
  }
  const logged = log.lines.filter(({ sentence }) => sentence.includes('raw line'));
  assert.deepEqual(
    logged.map(({ level, fields }) => [level, fields.address]),
    cases.map(() => ['warn', '127.0.0.1']),
  );
  for (const [index, [, why]] of cases.entries()) assert.match(String(logged[index]!.fields.why), why);
  const heard = good.lines();
  for (let n = 0; n < 8; n++) await heard.next();
  await daemon.hub.publish('readings', 'still here');
  assert.equal((await heard.next()).value, 'still here');
});

test('when the daemon stops, the last line says so, also to who still sends', async (t) => {
  const { join, daemon, here } = await place(t, READINGS);
  const [quiet, busy] = [await join(), await join()];
  await here(2);
  const writing = setInterval(() => busy.write('more\n'.repeat(1_000)), 1);
  t.after(() => clearInterval(writing));
  await stored(daemon, 'readings', 100);
  // Each ends its side when it has heard the end.
  const lastOf = async (socket: typeof quiet) => {
    const said = await socket.text();
    socket.end();
    return said.trimEnd().split('\n').at(-1);
  };
  const said = Promise.all([lastOf(quiet), lastOf(busy)]);
  await daemon.stop();
  for (const line of await said) assert.match(line!, /^SHUTTING_DOWN: /);
});

test('an address with too many connections is told so by a line', async (t) => {
  const { join, here } = await place(t, { ...READINGS, limits: { connectionsPerAddress: 1 } });
  await join();
  await here(1);
  assert.match(await (await join()).text(), /^RATE_LIMITED: /);
});

test('a reader that reads slowly gets all that waits for it, and then the reason', async (t) => {
  const { join, daemon, here } = await place(t, READINGS);
  const socket = await join();
  await here(1);
  const text = 'x'.repeat(4_000);
  let published = 0;
  while (daemon.hub.connections.length > 0) {
    await daemon.hub.publish('readings', `${++published} ${text}`);
    if (published % 10 === 0) await new Promise(setImmediate);
  }
  const lines = (await socket.text()).trimEnd().split('\n');
  assert.match(lines.pop()!, /^TOO_SLOW: /);
  assert.ok(lines.length > 50 && lines.length <= published);
  assert.ok(
    lines.every((line, n) => line === `${n + 1} ${text}`),
    'without a hole',
  );
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
