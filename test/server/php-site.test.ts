import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { startNginx } from '../support/nginx.ts';

const OPERATIONS = new URL('../../docs/operations.md', import.meta.url);
const [STDIN, STDOUT, END_REQUEST] = [5, 6, 3];

/** One record of FastCGI, of the request 1. */
function record(type: number, content: Buffer): Buffer {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([head, content]);
}

/** Stands in for php-fpm: answers each request with the same page. Its address. */
async function serveFastCgi(t: TestContext, page: string): Promise<string> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 8) {
        const length = 8 + received.readUInt16BE(4) + received[6]!;
        if (received.length < length) return;
        const [type, content] = [received[1], received.readUInt16BE(4)];
        received = received.subarray(length);
        if (type !== STDIN || content > 0) continue;
        const answer = Buffer.from(`Content-Type: text/html\r\n\r\n${page}`);
        socket.end(Buffer.concat([record(STDOUT, answer), record(END_REQUEST, Buffer.alloc(8))]));
      }
    });
    socket.on('error', () => {});
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('with the lines of the operations page, a PHP site and Zócalo share one domain', {
  skip: missing('nginx', 'openssl'),
}, async (t) => {
  const [, lines] = /### One domain[^#]*?```nginx\n(.*?)```/s.exec(readFileSync(OPERATIONS, 'utf8'))!;
  const { url, daemon } = await startDaemon(t, { proxies: ['127.0.0.1'], channels: { '*': { publish: 'everyone' } } });
  const php = await serveFastCgi(t, 'a page of PHP');
  const { port } = await startNginx(t, ({ port, folder }) =>
    lines!
      .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
      .replace(/^ *ssl_.*$/gm, '')
      .replace('/srv/www', folder)
      .replace('unix:/run/php/php-fpm.sock', php)
      .replace('include fastcgi_params', 'include /etc/nginx/fastcgi_params')
      .replaceAll('127.0.0.1:9000', new URL(url).host),
  );
  const site = `http://127.0.0.1:${port}`;
  for (const path of ['/', '/blog/2026?page=2']) assert.equal(await (await fetch(site + path)).text(), 'a page of PHP');
  assert.match(await (await fetch(`${site}/zocalo.js`)).text(), /export/);

  const client = new Client(`ws://127.0.0.1:${port}/realtime`);
  t.after(() => client.close());
  const news = client.subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  assert.equal(daemon.hub.connections[0]?.remoteAddress, '127.0.0.1');
  const stream = await fetch(`${site}/sse?channel=news`);
  assert.equal(stream.status, 200);
  const published = await fetch(`${site}/api/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: '{"channel":"news","data":"hola"}',
  });
  assert.equal(published.status, 200);
  assert.equal((await news[Symbol.asyncIterator]().next()).value!.data, 'hola');
  await stream.body!.cancel();
});
