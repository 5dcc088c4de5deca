import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { chatFiles, readChatPage } from '../../src/server/chat/index.ts';
import { bestEncoding } from '../../src/server/http/content-coding.ts';

const CHAT_FILES = chatFiles();

const server = http.createServer();
let port = 0;

before(async () => {
  const files = await readChatPage();
  server.on('request', (request, response) => files.handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.close();
  server.closeAllConnections();
});

function get(path: string, options: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, options);
}

/** One request exactly as written: `fetch` would tidy the path first. */
async function raw(target: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

test('the page has headers that allow only what it needs', async () => {
  const response = await get('/');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(response.headers.get('x-frame-options'), 'DENY');
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.match(await response.text(), /^<!doctype html>/);
});

test('TypeScript reaches the browser as JavaScript that it can parse', async () => {
  const scripts = Object.keys(CHAT_FILES).filter((path) => path.endsWith('.ts'));
  assert.ok(scripts.length > 5);
  for (const path of scripts) {
    const response = await get(path);
    assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8', path);
    const script = await response.text();
    assert.doesNotMatch(script, /^(export )?(interface|type) |import type/m, path);
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--check'], { input: script });
    assert.equal(status, 0, `${path}: ${stderr}`);
  }
});

test('every script that a script imports is served', async () => {
  for (const path of Object.keys(CHAT_FILES).filter((path) => path.endsWith('.ts'))) {
    const script = await (await get(path)).text();
    for (const [, specifier] of script.matchAll(/from '([^']+)'/g)) {
      const url = new URL(specifier!, `http://page${path}`);
      assert.ok(url.pathname in CHAT_FILES, `${path} imports ${specifier}`);
    }
  }
});

test('every file of web/ is in the table, and every file that the page and its styles name is served', async () => {
  for (const name of readdirSync(new URL('../../web/', import.meta.url))) {
    if (['admin', 'zocalo.ts'].includes(name)) continue; // the admin page, and the SDK for other pages
    assert.ok(name === 'index.html' || `/web/${name}` in CHAT_FILES, name);
  }
  for (const name of ['index.html', 'chat.css']) {
    const text = readFileSync(new URL(`../../web/${name}`, import.meta.url), 'utf8');
    for (const [, path] of text.matchAll(/(?:href|src)="([^"]+)"|url\("([^"]+)"\)/g)) {
      if (path) assert.equal((await get(path)).status, 200, path);
    }
  }
});

test('a client that has the file already gets 304 without a body', async () => {
  const first = await get('/web/chat.css');
  const etag = first.headers.get('etag');
  assert.ok(etag);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  for (const candidate of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get('/web/chat.css', { headers: { 'if-none-match': candidate } });
    assert.equal(again.status, 304, candidate);
    assert.equal(again.headers.get('etag'), etag);
    assert.equal(await again.text(), '');
  }
  const other = await get('/web/chat.css', { headers: { 'if-none-match': '"other"' } });
  assert.equal(other.status, 200);
});

/** One request whose body is left as it came; `fetch` would decode it. */
async function coded(path: string, headers: http.OutgoingHttpHeaders, method = 'GET') {
  const request = http.request({ port, host: '127.0.0.1', path, method, headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = await response.toArray();
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

test('a file comes compressed to those who can read that, with an ETag of its own and a length that is right', async () => {
  const plain = await coded('/web/chat.css', {});
  assert.equal(plain.headers['content-encoding'], undefined);
  const tags = new Set([plain.headers.etag]);
  for (const [coding, decode] of [
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const) {
    const accepted = { 'accept-encoding': coding };
    const { status, headers, body } = await coded('/web/chat.css', accepted);
    assert.deepEqual([status, headers['content-encoding'], headers.vary], [200, coding, 'accept-encoding']);
    assert.equal(headers['content-length'], String(body.length));
    assert.ok(body.length < plain.body.length / 2, `${body.length} of ${plain.body.length}`);
    assert.deepEqual(decode(body), plain.body);
    const head = await coded('/web/chat.css', accepted, 'HEAD');
    assert.deepEqual([head.headers['content-length'], head.headers.etag], [String(body.length), headers.etag]);
    const again = await coded('/web/chat.css', { ...accepted, 'if-none-match': headers.etag });
    assert.deepEqual([again.status, again.headers.etag, again.headers.vary], [304, headers.etag, 'accept-encoding']);
    // What a cache has in one coding is not what another asks for.
    assert.equal((await coded('/web/chat.css', { 'if-none-match': headers.etag })).status, 200);
    tags.add(headers.etag);
  }
  assert.equal(tags.size, 3);
});

test('the coding is the best one that the client accepts, and none for a client that does not say', () => {
  const cases: [string | undefined, string][] = [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZIP', 'gzip'],
    ['br;q=0.5, gzip', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['identity, gzip;q=0.5', 'identity'],
    ['br;q=0, gzip;q=0', 'identity'],
    ['deflate', 'identity'],
    ['gzip;q=x', 'identity'],
    ['*;q=0, identity;q=0', 'identity'],
  ];
  for (const [header, coding] of cases) assert.equal(bestEncoding(header), coding, header);
});

test('HEAD returns the headers of GET, without the body', async () => {
  const headers = { 'accept-encoding': 'identity' };
  const head = await get('/', { method: 'HEAD', headers });
  const whole = await get('/', { headers });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String((await whole.arrayBuffer()).byteLength));
  assert.equal(await head.text(), '');
  assert.equal((await get('/nothing', { method: 'HEAD' })).status, 404);
});

test('every room has the page, under any channel name', async () => {
  const page = await (await get('/')).text();
  for (const path of ['/chat:tacos', '/chat:caf%C3%A9?from=somewhere', '/chat:a/b', `/chat:${'x'.repeat(250)}`]) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    assert.equal(await response.text(), page, path);
  }
});

test('a query changes nothing', async () => {
  assert.equal((await get('/?from=somewhere')).status, 200);
});

test('a path outside of the table is 404, still with nosniff', async () => {
  for (const path of [
    '/nothing',
    '/web',
    '/web/',
    '/web/index.html',
    '/src/server/static-files.ts',
    '/chat:',
    '/chat:tacos*',
    '/chat:tacos|',
    `/chat:${'x'.repeat(251)}`,
    '/package.json',
    '/__proto__',
  ]) {
    const response = await get(path);
    assert.equal(response.status, 404, path);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  }
});

test('no spelling of a path leads out of the table', async () => {
  const targets = [
    '/../package.json',
    '/web/../package.json',
    '/web/../../package.json',
    '/web/%2e%2e/package.json',
    '/web/..%2fpackage.json',
    '/web/..\\package.json',
    '//web/chat.css',
    '/web/./chat.css',
    '/web/chat.css%00',
    '/web/chat.css/',
    '/constructor',
    'file:///etc/passwd',
  ];
  for (const target of targets) assert.match(await raw(target), /^HTTP\/1\.1 404 /, target);
});

test('other methods are refused with the allowed ones', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await get('/', { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
});

test('reading the files prints no warnings', () => {
  const page = new URL('../../src/server/chat/index.ts', import.meta.url).href;
  const { status, stderr } = spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    `await (await import('${page}')).readChatPage();`,
  ]);
  assert.equal(String(stderr), '');
  assert.equal(status, 0);
});
