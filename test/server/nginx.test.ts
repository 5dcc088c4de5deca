import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import { ClientAddress } from '../../src/server/http/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { missing } from '../support/need.ts';
import { PROXY, startNginx } from '../support/nginx.ts';
import { HubPeer, serveHub } from './hub-peer.ts';

const skip = missing('nginx', 'openssl');

/** nginx with TLS, in front of a server on `port` that speaks plain HTTP. */
async function proxied(t: TestContext, port: number, timeout = '60s') {
  const { cert, port: outside } = await startNginx(
    t,
    ({ port: outside, folder }) => `
       map $http_upgrade $connection_upgrade { default upgrade; '' close; }
       server {
         listen 127.0.0.1:${outside} ssl;
         ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
         location / {
           proxy_bind ${PROXY};
           proxy_pass http://127.0.0.1:${port};
           proxy_http_version 1.1;
           proxy_set_header Host $http_host;
           proxy_set_header Upgrade $http_upgrade;
           proxy_set_header Connection $connection_upgrade;
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_read_timeout ${timeout};
         }
       }`,
  );
  const url = `wss://127.0.0.1:${outside}`;
  const come = async (headers: Record<string, string> = {}) => {
    const client = await connectWebSocket(url, { protocols: [SUBPROTOCOL], tls: { ca: cert }, headers });
    t.after(() => client.terminate());
    const peer = new HubPeer(client);
    await peer.ask('hi', {});
    return peer;
  };
  return { come };
}

test('behind nginx with wss, clients publish to each other, and pages of its own host may connect', {
  skip,
}, async (t) => {
  const { url } = await serveHub(t);
  const { come } = await proxied(t, Number(new URL(url).port));
  const [ana, luis] = [await come(), await come({ Origin: 'https://127.0.0.1', Host: '127.0.0.1' })];
  await luis.ask('sub', 'news');
  for (let n = 1; n <= 100; n++) ana.say('pub', 100 + n, 'news', n);
  assert.deepEqual(
    await luis.publications(100),
    Array.from({ length: 100 }, (_, n) => [n + 1, n + 1]),
  );
});

test('behind nginx, the client’s address is the one that nginx reports, not what the client claims', {
  skip,
}, async (t) => {
  const addresses = new ClientAddress([PROXY]);
  const { hub, url } = await serveHub(t, {}, { clientAddress: (request) => addresses.of(request) });
  const { come } = await proxied(t, Number(new URL(url).port));
  await come({ 'X-Forwarded-For': '203.0.113.7' });
  assert.equal(hub.connections[0]?.remoteAddress, '127.0.0.1');
});

test('behind an untrusted proxy, the proxy counts as the client, whatever the headers say', { skip }, async (t) => {
  const addresses = new ClientAddress(['10.0.0.1']);
  const { hub, url } = await serveHub(t, {}, { clientAddress: (request) => addresses.of(request) });
  const { come } = await proxied(t, Number(new URL(url).port));
  await come({ 'X-Forwarded-For': '203.0.113.7' });
  assert.equal(hub.connections[0]?.remoteAddress, PROXY);
});

test('a silent connection survives a proxy that cuts silent ones, because of the pings', {
  skip,
}, async (t) => {
  const { hub, url } = await serveHub(t, { pingInterval: 300 });
  const { come } = await proxied(t, Number(new URL(url).port), '1s');
  const ana = await come();
  await ana.ask('sub', 'news');
  // More pings than there are in twice the time after which nginx cuts a silent line.
  for (let pings = 0; pings < 8; ) if ((await ana.next())?.length === 0) pings++;
  await hub.publish('news', 'still here');
  assert.deepEqual(await ana.publications(1), [[1, 'still here']]);
});
