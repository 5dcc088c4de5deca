import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { serve } from '../../src/server/hub/index.ts';
import { readSdk } from '../../src/server/sdk.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';

async function serveHttp(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A hub, the SDK on a server of its own, and a page of a third origin. */
async function setUp(t: TestContext) {
  const hub = new Hub({ broker: memory() });
  hub.method('double', (data) => 2 * (data as number));
  const server = await serve(hub, 'ws://127.0.0.1:0', { origins: '*' });
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  const files = await readSdk();
  const sdk = `${await serveHttp(t, (request, response) => files.handle(request, response))}/zocalo.js`;
  const script = `import { Client } from '${sdk}';
    const client = new Client('${server.addresses[0]}');
    const shown = client.subscribe('chat:42')[Symbol.asyncIterator]();
    await client.publish('chat:42', await client.call('double', 21));
    const { value } = await shown.next();
    postMessage(value.data);`;
  const origin = await serveHttp(t, (request, response) => {
    if (request.url === '/worker.js') response.setHeader('content-type', 'text/javascript').end(script);
    else response.setHeader('content-type', 'text/html').end('<!doctype html>');
  });
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  return { page, script };
}

test('a page of another origin imports the SDK by its URL and talks to the hub', {
  skip: missing('chromium'),
}, async (t) => {
  const { page, script } = await setUp(t);
  const heard = page.evaluate("new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data)))");
  await page.addScriptTag({ type: 'module', content: script });
  assert.equal(await heard, 42);
});

test('so does a worker', { skip: missing('chromium') }, async (t) => {
  const { page } = await setUp(t);
  const heard = await page.evaluate(`new Promise((resolve) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve(message);
  })`);
  assert.equal(heard, 42);
});
