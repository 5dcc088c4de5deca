import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { readSdk } from '../../src/server/http/sdk.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';

async function serveHttp(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The hub, the SDK on a server of its own, and a page of a third origin, which may have a worker. */
async function openPage(t: TestContext, hub: Hub, scriptOf: (sdk: string, url: string) => string = () => '') {
  const server = await serve(hub, 'ws://127.0.0.1:0', { origins: '*' });
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  const url = server.addresses[0]!;
  const files = await readSdk();
  const sdk = `${await serveHttp(t, (request, response) => files.handle(request, response))}/zocalo.js`;
  const origin = await serveHttp(t, (request, response) => {
    if (request.url === '/worker.js') response.setHeader('content-type', 'text/javascript').end(scriptOf(sdk, url));
    else response.setHeader('content-type', 'text/html').end('<!doctype html>');
  });
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  return { page, sdk, url };
}

async function setUp(t: TestContext) {
  const hub = new Hub({ broker: memory() });
  hub.method('double', (data) => 2 * (data as number));
  const scriptOf = (sdk: string, url: string) => `import { Client } from '${sdk}';
    const client = new Client('${url}');
    const shown = client.subscribe('chat:42')[Symbol.asyncIterator]();
    await client.publish('chat:42', await client.call('double', 21));
    const { value } = await shown.next();
    postMessage(value.data);`;
  const { page, sdk, url } = await openPage(t, hub, scriptOf);
  return { page, script: scriptOf(sdk, url) };
}

test('a page of another origin imports the SDK by its URL and talks to the hub', {
  skip: missing('chromium'),
}, async (t) => {
  const { page, script } = await setUp(t);
  const heard = page.evaluate("new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data)))");
  await page.addScriptTag({ type: 'module', content: script });
  assert.equal(await heard, 42);
});

test('a worker imports the SDK by its URL and talks to the hub', { skip: missing('chromium') }, async (t) => {
  const { page } = await setUp(t);
  const heard = await page.evaluate(`new Promise((resolve) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve(message);
  })`);
  assert.equal(heard, 42);
});

test('in a page, messages wait for the first reader, a slow loop stays subscribed, and patterns are loaded on demand', {
  skip: missing('chromium'),
  timeout: 60_000,
}, async (t) => {
  const hub = new Hub({
    broker: memory(),
    channels: { 'chat:*': { presence: true, history: { size: 10_000 } }, 'sensor:*': { patterns: true } },
  });
  const { page, sdk, url } = await openPage(t, hub);
  await page.addScriptTag({
    type: 'module',
    content: `import { Client } from '${sdk}';
      const client = new Client('${url}');
      const chat = client.subscribe('chat:42', { member: 'Ana' });
      const sensors = client.subscribe('sensor:*');
      const heard = [];
      const first = new Promise((resolve) => sensors.on('message', resolve));
      sensors.on('message', ({ channel, data }) => heard.push([channel, data]));
      await Promise.all([chat, sensors].map((one) => new Promise((resolve) =>
        one.on('state', (state) => state === 'live' && resolve()))));
      window.start = true;
      window.read = async () => {
        const data = [];
        for await (const message of chat) if (data.push(message.data) === 5000) break;
        await first;
        return { data, heard, position: chat.position[1] };
      };`,
  });
  await page.waitForFunction('window.start');
  for (let count = 1; count <= 5_000; count++) await hub.publish('chat:42', count);
  await hub.publish('sensor:a', 21.5);
  assert.equal(hub.presence('chat:42').count, 1);
  assert.deepEqual(await page.evaluate('read()'), {
    data: Array.from({ length: 5_000 }, (_, index) => index + 1),
    heard: [['sensor:a', 21.5]],
    position: 5_000,
  });
  assert.equal(hub.presence('chat:42').count, 1);
});
