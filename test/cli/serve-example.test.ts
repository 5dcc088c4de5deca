import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/chat.ts', import.meta.url));

test('the example of the chat room passes each message on to the others, and stops cleanly', async () => {
  const room = spawn(process.execPath, [EXAMPLE], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(room, 'exit');
  let address = '';
  for await (const line of createInterface({ input: room.stdout })) {
    address = /ws:\S+\d/.exec(line)?.[0] ?? '';
    if (address) break;
  }
  const ana = await connectWebSocket(address);
  const luis = await connectWebSocket(address);
  assert.match(await next(ana), /1 of us/);
  assert.match(await next(luis), /2 of us/);
  ana.send('Hola');
  assert.equal(await next(luis), 'Hola');
  luis.send('¿Qué tal?');
  assert.equal(await next(ana), '¿Qué tal?');
  room.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

async function next(client: WebSocketClient): Promise<string> {
  const { value } = await client[Symbol.asyncIterator]().next();
  return String(value);
}
