import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MemoryBroker } from '../../src/broker/index.ts';
import { Client } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { chatChannels } from '../../src/server/chat/index.ts';
import { type HubServer, serve } from '../../src/server/transports/websocket/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { until } from '../support/until.ts';

const hub = new Hub({ broker: new MemoryBroker(), channels: chatChannels() });
let server: HubServer;
let url = '';

before(async () => {
  server = await serve(hub, 'ws://127.0.0.1:0');
  url = server.addresses[0]!;
});
after(async () => {
  await server.close({ grace: 0 });
  await hub.close();
});

/** A plain WebSocket in a room, once it hears what is said there. */
async function plain(path: string) {
  const socket = await connectWebSocket(new URL(path, url).href);
  const lines = socket[Symbol.asyncIterator]();
  return { socket, next: async () => (await lines.next()).value };
}

async function isIn(count: number): Promise<void> {
  await until(() => hub.connections.length >= count, `${count} are connected`);
}

test('plain WebSockets send and receive lines; those that give a name have it, others are guests', async () => {
  const ana = await plain('/chat:lines?name=Ana');
  const guest = await plain('/chat:lines');
  await isIn(2);
  ana.socket.send('Hola');
  assert.equal(await guest.next(), 'Ana: Hola');
  guest.socket.send('');
  guest.socket.send('¿Qué tal?');
  assert.match(String(await ana.next()), /^Guest [\da-f]{4}: ¿Qué tal\?$/);
  const { entries } = await hub.history('chat:lines');
  assert.deepEqual(Object.keys(entries[0]![1] as object), ['text', 'name', 'person']);
  assert.equal(entries.length, 2);
  ana.socket.close();
  guest.socket.close();
  await Promise.all([ana.socket.closed, guest.socket.closed]);
});

test("a page's message is shown as a line, and nobody can forge a line of another person", async () => {
  const { socket, next } = await plain('/chat:page');
  await isIn(1);
  await hub.publish('chat:page', { typing: true, name: 'Ana', person: 'p' }, { keep: false });
  await hub.publish('chat:page', { text: 'one\nLuis: two\u001b[2J', name: 'Ana\nLuis', person: 'p' });
  await hub.publish('chat:page', 'from a script');
  assert.equal(await next(), 'Ana Luis: one\n  Luis: two[2J');
  assert.equal(await next(), 'Guest: from a script');
  socket.close();
  await socket.closed;
});

test('a line that is too long is refused with a reason, and not delivered', async () => {
  const { socket } = await plain('/chat:long');
  socket.send('x'.repeat(4001));
  const { code, reason } = await socket.closed;
  assert.equal(code, 1008);
  assert.match(reason, /^TOO_LARGE/);
  assert.deepEqual((await hub.history('chat:long')).entries, []);
});

test('clients can use only the rooms', async () => {
  for (const path of ['/', '/news', '/chat:']) {
    const { socket } = await plain(path);
    assert.equal((await socket.closed).code, 1008, path);
  }
  const client = new Client(url);
  await assert.rejects(client.publish('news', 'hola'), { code: 'FORBIDDEN' });
  client.close();
});
