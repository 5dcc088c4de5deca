import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { components } from '../../examples/pages/components.ts';
import { memory } from '../../src/broker/index.ts';
import { Client, type PresenceEvent } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const FRAMEWORKS = { react: 'tsx', vue: 'ts', svelte: 'ts' } as const;
type Framework = keyof typeof FRAMEWORKS;

async function bundle(framework: Framework, part: 'page' | 'server'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`pages/${framework}-${part}.${FRAMEWORKS[framework]}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
    plugins: [components],
    logLevel: 'error',
    ...(part === 'server' && {
      platform: 'node',
      // Frameworks for servers are written for `require`.
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('/');` },
    }),
  });
  return outputFiles[0]!.text;
}

/** The page as a server makes it, with a client that must not connect. */
async function renderOnServer(t: Pick<TestContext, 'after'>, framework: Framework) {
  const file = join(temporaryFolder(t), `${framework}.mjs`);
  writeFileSync(file, await bundle(framework, 'server'));
  const { render } = (await import(pathToFileURL(file).href)) as { render(client: Client): Promise<string> };
  let connections = 0;
  class NoSocket {
    constructor() {
      connections += 1;
    }
  }
  const client = new Client('ws://nowhere/', { WebSocket: NoSocket as never });
  return { html: await render(client), connections: () => connections, client };
}

for (const framework of Object.keys(FRAMEWORKS) as Framework[])
  test(`${framework} on a server renders an empty room, and connects to nothing`, async (t) => {
    const { html, connections, client } = await renderOnServer(t, framework);
    assert.match(html, /<ol title="closed 0 false">(<!--.*?-->)*<\/ol>/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([connections(), client.state], [0, 'closed']);
  });

describe('in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  for (const framework of Object.keys(FRAMEWORKS) as Framework[])
    test(`${framework} takes over what a server rendered, and mounting again shows nobody that it left`, {
      timeout: 60_000,
    }, async (t) => {
      const hub = new Hub({ broker: memory(), channels: { 'chat:*': { presence: true } }, linger: 0 });
      const server = await serve(hub, 'ws://127.0.0.1:0', { origins: '*' });
      const watcher = new Client(server.addresses[0]!);
      const { html } = await renderOnServer(t, framework);
      const script = await bundle(framework, 'page');
      const http = createServer(({ url }, response) =>
        url === '/page.js'
          ? response.setHeader('content-type', 'text/javascript').end(script)
          : response
              .setHeader('content-type', 'text/html; charset=utf-8')
              .end(`<!doctype html><div id="app">${html}</div><script type="module" src="/page.js"></script>`),
      ).listen(0, '127.0.0.1');
      await once(http, 'listening');
      t.after(async () => {
        watcher.close();
        http.close();
        await server.close();
        await hub.close();
      });
      const seen: string[] = [];
      const watched = watcher.subscribe('chat:42', { presence: true });
      watched.on('presence', ({ joined, left }: PresenceEvent) => {
        // Bytes in options stay bytes, which this client reads in the protocol's form.
        if (joined) assert.deepEqual(joined.data, { name: 'Ana', photo: { $bytes: 'AQ==' } });
        if (joined) seen.push('joined');
        if (left) seen.push('left');
      });
      await new Promise((resolve) => watched.on('live', resolve));
      await hub.publish('chat:42', 'hola');

      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on('pageerror', (error) => troubles.push(String(error)));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
      });
      await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/#${server.addresses[0]}`);
      const shown = () => page.$eval('ol', (list) => `${list.title}: ${list.textContent?.trim()}`);
      const shows = (text: string) => until(async () => (await shown()) === text, `the page shows ${text}`, 20_000);
      await shows('open 1 false: hola');
      for (let count = 0; count < 5; count++) {
        await page.evaluate('remount()');
        await shows('open 1 false: hola');
      }
      await hub.publish('chat:42', ' Ana');
      await shows('open 1 false: hola Ana');
      assert.deepEqual(seen, ['joined']);
      await page.evaluate('leave()');
      await until(() => seen.length === 2, 'it has left');
      assert.deepEqual(seen, ['joined', 'left']);
      assert.deepEqual(troubles, []);
    });
});
