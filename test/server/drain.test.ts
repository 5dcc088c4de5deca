import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import type { Program } from '../support/cli.ts';
import { serveIn } from '../support/serve-in.ts';
import { HubPeer } from './hub-peer.ts';

const KEY = 'k'.repeat(40);
const SPREAD = 2_000;
/** As many as leave no third of the spread without one, by chance, more than once in a million runs. */
const LISTENERS = 40;
const PUBLISHERS = 4;
/** Acknowledged publications of each publisher before and after the restart. */
const ENOUGH = 50;

const CONFIG = {
  channels: { load: { publish: 'everyone', history: { size: 1_000_000 } } },
  api: { keys: [{ name: 'test', key: KEY }] },
  limits: { messagesPerSecond: 100_000, bytesPerSecond: '100MiB' },
  drain: { deadline: '10s', spread: `${SPREAD / 1000}s` },
  log: { form: 'json' },
};

/** Publishes one after the other, and knows which were acknowledged. */
class Publisher {
  readonly acknowledged: string[] = [];
  readonly #name: string;
  readonly #publish: (data: string) => Promise<unknown>;
  #isStopped = false;
  #watch = () => {};

  constructor(name: string, publish: (data: string) => Promise<unknown>) {
    this.#name = name;
    this.#publish = publish;
  }

  async run(): Promise<void> {
    for (let count = 1; !this.#isStopped; count++) {
      const data = `${this.#name} ${count}`;
      await this.#publish(data);
      this.acknowledged.push(data);
      this.#watch();
    }
  }

  /** Settles when `count` more were acknowledged. */
  more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    return new Promise((resolve) => {
      this.#watch = () => this.acknowledged.length >= goal && resolve();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** Waits for whoever comes after it, as an application does that tries again with the same key. */
function overHttp(port: number, restarted: Promise<unknown>) {
  return async (data: string) => {
    const attempt = () =>
      fetch(`http://127.0.0.1:${port}/api/publish`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ channel: 'load', data, key: data }),
      }).catch(() => undefined);
    const first = await attempt();
    if (first?.ok) return;
    await restarted;
    assert.equal((await attempt())?.status, 200);
  };
}

test('SIGTERM under load loses no acknowledged publication, and spreads the reconnects of the clients', async (t) => {
  const { start, port, file } = await serveIn(t, CONFIG);
  const url = `ws://127.0.0.1:${port}`;
  const first = await start();
  const restarted = Promise.withResolvers<Program>();
  const clients = Array.from({ length: PUBLISHERS }, () => new Client(url));
  for (const client of clients) t.after(() => client.close());
  const publishers = [
    ...clients.map((client, i) => new Publisher(`sdk ${i}`, (data) => client.publish('load', data))),
    ...clients.map((_, i) => new Publisher(`http ${i}`, overHttp(port, restarted.promise))),
  ];
  const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => HubPeer.join(t, url)));
  const byes = listeners.map((listener) => listener.until('bye'));
  const handshaken = net.connect(port, '127.0.0.1'); // comes in before the end begins, and asks for an upgrade after it
  await once(handshaken, 'connect');
  const deaf = await deafVisitor(port); // holds up the end, by its silence

  const enough = publishers.map((publisher) => publisher.more(ENOUGH));
  const runs = publishers.map((publisher) => publisher.run());
  await Promise.all(enough);
  first.child.kill('SIGTERM');
  const after = (await Promise.all(byes)).map((line) => {
    const [, code, { after }] = line as [string, string, { after: number }];
    assert.equal(code, 'SHUTTING_DOWN');
    return after;
  });
  await assert.rejects(connectWebSocket(url));
  assert.doesNotMatch(await upgradeOn(handshaken), / 101 /);
  assert.equal(first.child.exitCode, null);
  deaf.destroy();
  assert.equal(await first.exited, 0);
  assert.match(first.stderr, /"msg":"stopped"/);

  const [earliest = 0, ...later] = after.sort((a, b) => a - b);
  assert.ok(earliest >= 1_000 && earliest < 1_000 + SPREAD / 3, String(after));
  assert.ok(later.at(-1)! <= 1_000 + SPREAD && later.at(-1)! > 1_000 + (SPREAD * 2) / 3, String(after));

  restarted.resolve(await start());
  await Promise.all(publishers.map((publisher) => publisher.more(ENOUGH)));
  for (const publisher of publishers) publisher.stop();
  await Promise.all(runs);
  assert.equal(await (await restarted.promise).stop('SIGTERM'), 0);

  const database = new DatabaseSync(file, { readOnly: true });
  const stored = database.prepare('SELECT data FROM entries').all();
  database.close();
  const log = stored.map(({ data }) => JSON.parse(String(data))).sort();
  assert.deepEqual(log, publishers.flatMap(({ acknowledged }) => acknowledged).sort());
});

const HANDSHAKE = [
  'GET /load HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

/** What is answered to a handshake on an open connection, until its end. */
async function upgradeOn(socket: net.Socket): Promise<string> {
  let answer = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      answer += bytes;
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
  socket.write(HANDSHAKE);
  if (!socket.closed) await once(socket, 'close');
  return answer;
}

/** A WebSocket that is let in, and then neither reads nor answers. */
async function deafVisitor(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {}).write(HANDSHAKE);
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), / 101 /);
  socket.pause();
  return socket;
}
