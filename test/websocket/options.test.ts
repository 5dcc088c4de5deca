import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import {
  connectWebSocket,
  type ServerOptions,
  type UpgradeAnswer,
  WebSocketServer,
} from '../../src/websocket/index.ts';
import { Recorder } from '../support/recorder.ts';

test('an invalid number, or one out of its range, is refused by name when the server is made', () => {
  const wrong: ServerOptions[] = [
    { maxMessage: 0 },
    { maxMessage: Number.NaN },
    { pingInterval: -1 },
    { pongTimeout: 0 },
    { closeTimeout: 2 ** 31 },
    { queueLimit: '1 MiB' as unknown as number },
    { maxConnections: 0 },
    { compression: { level: 42 } },
    { compression: { windowBits: 8 } },
  ];
  for (const options of wrong) {
    const name = Object.keys(typeof options.compression === 'object' ? options.compression : options)[0]!;
    const isRefused = { code: 'BAD_OPTION', message: new RegExp(`the option ${name} cannot be`) };
    assert.throws(() => new WebSocketServer('ws://127.0.0.1:0', options), isRefused, name);
  }
});

test('a client with an option out of its range is refused before it connects', async () => {
  await assert.rejects(connectWebSocket('ws://127.0.0.1:1', { maxFragments: -1 }), { code: 'BAD_OPTION' });
});

test('a misspelled option is refused, and named', () => {
  const options = { pingIntervall: 5 } as ServerOptions;
  assert.throws(() => new WebSocketServer('ws://127.0.0.1:0', options), {
    message: /there is no option pingIntervall/,
  });
});

test('an invalid address is refused with an example of a valid one', () => {
  for (const where of ['localhost:9000', 9000, undefined, { port: 9000 }, null]) {
    const make = () => new WebSocketServer(where as string);
    assert.throws(make, { code: 'BAD_ADDRESS', message: /for example ws:\/\/localhost:9000/ }, String(where));
  }
  assert.throws(() => new WebSocketServer('http://localhost:9000'), { code: 'UNKNOWN_SCHEME', message: /use ws:\/\// });
  assert.throws(() => new WebSocketServer('tcp://localhost:9000'), { code: 'UNKNOWN_SCHEME' });
});

test('a server listens once', async (t) => {
  const server = await Recorder.listen(t);
  await assert.rejects(server.listen(), { code: 'SERVER_USED', message: /listens already/ });
  await server.close();
  await assert.rejects(server.listen(), { code: 'SERVER_USED', message: /is closed/ });
});

test("a refused client gets the server's message", async (t) => {
  const server = await Recorder.listen(t);
  server.upgrade = () => ({ refuse: 401, reason: 'Log in first' });
  await assert.rejects(connectWebSocket(server.url), { message: /refused with 401 Unauthorized \(Log in first\)/ });
});

test('with the timeout 0 connecting may take any time', async (t) => {
  const server = await Recorder.listen(t);
  (await connectWebSocket(server.url, { timeout: 0 })).close();
});

test('a thenable returned by onUpgrade is awaited', async (t) => {
  const server = await Recorder.listen(t);
  // biome-ignore lint/suspicious/noThenProperty: this is what query builders look like
  server.upgrade = () => ({ then: (answer: (value: UpgradeAnswer) => void) => answer({ refuse: 401 }) }) as never;
  await assert.rejects(connectWebSocket(server.url), { message: /401/ });
});

test('a client that offers a protocol other than WebSocket gets its page', async (t) => {
  const server = await Recorder.listen(t, { onRequest: (_request, response) => response.end('a page') });
  const status = await new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c' };
    request(server.url.replace('ws:', 'http:'), { headers }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
});
