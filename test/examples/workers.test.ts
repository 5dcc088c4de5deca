import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { bundleSdk } from '../../scripts/bundle-sdk.ts';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/workers');

test('docs/workers.md has the files of examples/workers', () => {
  const page = readFileSync(join(ROOT, 'docs/workers.md'), 'utf8');
  for (const name of readdirSync(EXAMPLE))
    assert.ok(page.includes(`\n${readFileSync(join(EXAMPLE, name), 'utf8')}\`\`\`\n`), name);
});

test('tabs share one connection, which outlives each of them, and a tab without SharedWorker has its own', {
  skip: missing('chromium'),
  timeout: 60_000,
}, async (t) => {
  let connections = 0;
  const hub = new Hub({
    broker: memory(),
    connect: () => {
      connections += 1;
      return { user: `visitor ${connections}` };
    },
    channels: { 'chat:*': { history: { size: 100 }, presence: true } },
    linger: 0,
  });
  const sdk = (await bundleSdk()).code;
  const http = createServer(({ url }, response) => {
    const name = url === '/' ? 'index.html' : url!.slice(1);
    response.setHeader('content-type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
    if (name === 'zocalo.js') return response.end(sdk);
    if (!readdirSync(EXAMPLE).includes(name)) return response.writeHead(404).end();
    // The example asks for a member, so that the test sees who has left.
    const text = readFileSync(join(EXAMPLE, name), 'utf8').replace('recent: 20', "recent: 20, member: 'a tab'");
    response.end(text.replaceAll('localhost:9000', `localhost:${port}`));
  });
  const server = await serve(hub, { server: http });
  await once(http.listen(0, 'localhost'), 'listening');
  const { port } = http.address() as AddressInfo;
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    http.close();
    await server.close();
    await hub.close();
  });
  const context = await browser.newContext();
  const troubles: string[] = [];
  context.on('weberror', (error) => troubles.push(String(error.error())));
  const open = async (prepare: (tab: Page) => unknown = () => {}) => {
    const tab = await context.newPage();
    await prepare(tab);
    await tab.goto(`http://localhost:${port}/`);
    await until(async () => (await tab.textContent('#state')) === 'live', 'the tab is live', 20_000);
    return tab;
  };
  const say = (tab: Page, text: string) => tab.fill('input', text).then(() => tab.press('input', 'Enter'));
  const shows = (tab: Page, expected: string) =>
    until(
      async () => (await tab.$$eval('li', (rows) => rows.map((row) => row.textContent))).join() === expected,
      `the tab shows ${expected}`,
      20_000,
    );

  const first = await open();
  await say(first, 'hola');
  await until(async () => (await first.inputValue('input')) === '', 'the publication was acknowledged');
  const second = await open();
  await shows(second, 'hola');
  assert.equal(connections, 1);

  await first.close();
  await say(second, 'and I');
  await shows(second, 'hola,and I');
  const third = await open();
  await shows(third, 'hola,and I');
  assert.equal(connections, 1);
  assert.equal(hub.presence('chat:room').count, 1);
  const alone = await open((tab) => tab.addInitScript('delete globalThis.SharedWorker'));
  await shows(alone, 'hola,and I');
  assert.equal(connections, 2);
  await say(alone, 'me too');
  for (const tab of [second, third, alone]) await shows(tab, 'hola,and I,me too');
  for (const tab of [second, third, alone]) await tab.close();
  await until(() => hub.presence('chat:room').count === 0, 'nobody is left', 20_000);
  assert.deepEqual(troubles, []);
});
