import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { chatFiles, readChatPage } from '../../src/server/chat/index.ts';

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

test('the page comes with headers that let it do nothing but its work', async () => {
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

test('every file of web/ is in the table, and what the page and its styles name is served', async () => {
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

test('who has the file already is told so with 304 and no body', async () => {
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

test('HEAD answers the headers of GET, without the body', async () => {
  const head = await get('/', { method: 'HEAD' });
  const whole = await get('/');
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String((await whole.arrayBuffer()).byteLength));
  assert.equal(await head.text(), '');
  assert.equal((await get('/nothing', { method: 'HEAD' })).status, 404);
});

test('every room has the page, under any name that a channel may have', async () => {
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

test('what is not in the table is 404, and still says nosniff', async () => {
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

test('other methods are refused, and told which are allowed', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await get('/', { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
});

test('reading the files warns about nothing', () => {
  const page = new URL('../../src/server/chat/index.ts', import.meta.url).href;
  const { status, stderr } = spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    `await (await import('${page}')).readChatPage();`,
  ]);
  assert.equal(String(stderr), '');
  assert.equal(status, 0);
});
