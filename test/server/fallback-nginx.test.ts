import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleSdk } from '../../scripts/bundle-sdk.ts';
import { withFallback } from '../../src/client/fallback.ts';
import { Client } from '../../src/client/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';
import { startNginx } from '../support/nginx.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { serveHub } from './hub-peer.ts';

const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  import { Client, withFallback } from '/zocalo.js';
  window.heard = [];
  const url = location.origin.replace('http', 'ws') + '/realtime';
  const client = new Client(url, { WebSocket: withFallback({ storage: sessionStorage }), random: () => 0 });
  const chat = client.subscribe('chat');
  chat.on('message', ({ data, mine }) => heard.push(mine ? 'mine ' + data : data));
  chat.on('gap', () => heard.push('gap'));
  chat.on('live', () => { window.isLive = true; });
  window.publish = (text) => chat.publish(text);
</script>`;

test('behind an nginx that begins to refuse upgrades, a page in Chromium goes on by requests, and nothing is lost or doubled', {
  skip: missing('nginx', 'openssl', 'chromium'),
}, async (t) => {
  const { code } = await bundleSdk();
  const files: Record<string, [type: string, text: string]> = {
    '/': ['text/html', PAGE],
    '/zocalo.js': ['text/javascript', code],
  };
  const { hub, server, url } = await serveHub(
    t,
    { connect: ({ request }) => ({ user: request?.cookies.user ?? 'nobody' }) },
    {
      onRequest: (request, response) => {
        const [type, text] = files[request.url ?? ''] ?? ['text/plain', ''];
        response.setHeader('content-type', type).end(text);
      },
    },
  );
  const line = await startProxy(t, Number(new URL(url).port));
  const { port, folder } = await startNginx(
    t,
    ({ port, folder }) => `server {
      listen 127.0.0.1:${port};
      location / {
        set $passed $http_upgrade;
        if (-f ${folder}/blocked) { set $passed ''; }
        proxy_pass http://127.0.0.1:${line.port};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $passed;
        proxy_set_header Connection upgrade;
      }
    }`,
  );
  chmodSync(folder, 0o755); // nginx looks as another user
  const browser = await launchChromium();
  t.after(() => browser.close());
  const context = await browser.newContext();
  const origin = `http://127.0.0.1:${port}`;
  await context.addCookies([{ name: 'user', value: 'ana', url: origin }]);
  const page = await context.newPage();
  const show = () => page.evaluate('heard') as Promise<string[]>;
  const publish = (texts: readonly string[]) =>
    page.evaluate(`Promise.all(${JSON.stringify(texts)}.map((text) => publish(text)))`);
  await page.goto(origin);
  await until(async () => (await page.evaluate('window.isLive')) === true, 'the page is live');
  await publish(['a1', 'a2']);
  assert.deepEqual([server.users.size, server.traffic.sockets], [1, 1]);

  writeFileSync(join(folder, 'blocked'), '');
  const published = publish(Array.from({ length: 20 }, (_, n) => `b${n}`));
  line.cut();
  for (let n = 0; n < 20; n++) await hub.publish('chat', `others ${n}`);
  await published;
  await publish(['c1', 'c2']);
  await until(async () => (await show()).length === 44, 'all are heard');
  const { entries } = await hub.history('chat', { limit: 1_000 });
  assert.deepEqual(
    (await show()).map((text) => text.replace('mine ', '')),
    entries.map(([, data]) => data),
  );
  assert.equal(new Set(await show()).size, 44);
  assert.deepEqual([server.users.size, server.traffic.sockets], [0, 1]);
  assert.deepEqual(hub.users, ['ana'], 'its cookies come along');

  await page.reload();
  await until(async () => (await page.evaluate('window.isLive')) === true, 'the page is live again');
  await publish(['d1']);
  assert.deepEqual([server.users.size, server.traffic.sockets], [0, 1]);
});

test('behind the nginx of docs/cluster.md, the requests of a session reach the node that has it, and WebSockets any', {
  skip: missing('nginx', 'openssl'),
}, async (t) => {
  const nodes = [await serveHub(t), await serveHub(t)];
  const page = readFileSync(join(import.meta.dirname, '../../docs/cluster.md'), 'utf8');
  const [, documented] = /```nginx\n(map \$arg_zocalo.+?)```/s.exec(page)!;
  const upstreams = nodes.reduce(
    (text, { url }, n) => text.replaceAll(`10.0.0.${n + 1}:9000`, new URL(url).host),
    documented!,
  );
  const { port } = await startNginx(
    t,
    ({ port }) => `${upstreams}
    server { listen 127.0.0.1:${port}; location / {
      proxy_pass http://$nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    } }`,
  );
  const url = `ws://127.0.0.1:${port}`;
  const within = (kind: 'sessions' | 'sockets') =>
    nodes.map(({ server }) => (kind === 'sockets' ? server.users.size : server.traffic.sockets - server.users.size));
  // The member is drawn by chance: sooner or later both nodes have one.
  for (const [kind, fallback] of [
    ['sessions', withFallback({ failures: 0 })],
    ['sockets', withFallback()],
  ] as const)
    for (let most = 60; within(kind).includes(0); most--) {
      assert.ok(most > 0, `all ${kind} came to one node`);
      const client = new Client(url, { WebSocket: fallback });
      t.after(() => client.close());
      const states: string[] = [];
      client.on('state', (state) => states.push(state));
      for (let n = 0; n < 3; n++) await client.publish('chat', n);
      assert.deepEqual(states, ['connecting', 'open'], 'it was not cut');
    }
});
