import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { jsonFault } from '../../../src/server/http/json-error-position.ts';
import { missing } from '../../support/need.ts';
import { call, serveApi } from './api-peer.ts';

const run = promisify(execFile);

/** Sends bytes as they are, and answers everything that comes back until the server closes. */
async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return got;
}

test('a body that is not JSON is refused with the line and column of the fault', async (t) => {
  const { url } = await serveApi(t);
  const { status, body } = await call(url, '/api/publish', '{\n  "channel": "news",\n  "data": Hola\n}');
  assert.deepEqual([status, body.code], [400, 'BAD_MESSAGE']);
  assert.equal(body.message, 'the body is not JSON: see line 3, column 11');
  assert.match((await call(url, '/api/publish', '')).body.message, /empty/);
});

test('the position is found for every kind of JSON fault', () => {
  const columns = Object.entries({
    '{"a":1,}': 8,
    '[1 2]': 4,
    '{"a" 1}': 6,
    '{a:1}': 2,
    "{'a':1}": 2,
    '["\\x"]': 2,
    '[01]': 2,
    '[1': 3,
    '1 1': 3,
    ']': 1,
    '[tru]': 2,
    '{"a":1]': 7,
    '[1,]': 4,
    '{"a":"b\nc"}': 6,
  });
  for (const [text, column] of columns) {
    assert.throws(() => JSON.parse(text), text);
    assert.deepEqual(jsonFault(text), { line: 1, column }, text);
  }
  const deep = `${'['.repeat(100_000)}"${'a'.repeat(1_000_000)}`;
  assert.deepEqual(jsonFault(deep), { line: 1, column: 100_001 });
});

test('each wrong member is named, and an unknown one is refused too', async (t) => {
  const { url, hub } = await serveApi(t);
  const messages: Record<string, [object, number, string, RegExp]> = {
    missing: [{ channel: 'news' }, 400, 'BAD_MESSAGE', /the body: data: is missing/],
    unknown: [{ channel: 'news', data: 1, chanel: 'x' }, 400, 'BAD_MESSAGE', /chanel/],
    channel: [
      { channel: 'two words', data: 1 },
      400,
      'BAD_CHANNEL',
      /"two words" is not a channel name: .* " " is written %20$/,
    ],
    system: [{ channel: '$system', data: 1 }, 400, 'BAD_CHANNEL', /begins with \$/],
    type: [{ channel: 42, data: 1 }, 400, 'BAD_MESSAGE', /channel/],
    key: [{ channel: 'news', data: 1, key: 'k'.repeat(65) }, 400, 'BAD_MESSAGE', /key/],
    large: [{ channel: 'news', data: 'x'.repeat(70_000) }, 413, 'TOO_LARGE', /65536 bytes/],
    deep: [{ channel: 'news', data: JSON.parse('['.repeat(64) + ']'.repeat(64)) }, 400, 'BAD_MESSAGE', /63 deep/],
  };
  for (const [name, [body, status, code, sentence]] of Object.entries(messages)) {
    const answer = await call(url, '/api/publish', body);
    assert.deepEqual([answer.status, answer.body.code], [status, code], name);
    assert.match(answer.body.message, sentence, name);
  }
  assert.equal((await hub.history('news')).head, 0);
});

test('the answer to data that does not fit has the path and what was expected, and so has one to a wrong member', async (t) => {
  const channels = { news: z.object({ title: z.string() }) };
  const { url } = await serveApi(t, { hub: { contract: { channels } } });
  const { status, body } = await call(url, '/api/publish', { channel: 'news', data: { title: 42 } });
  const message = 'Invalid input: expected string, received number';
  const details = { issues: [{ path: ['title'], message, expected: 'string' }] };
  assert.deepEqual([status, body], [422, { code: 'BAD_DATA', message: `title: ${message}`, details }]);
  const { body: many } = await call(url, '/api/batch', [{ channel: 'news', data: {} }]);
  assert.deepEqual(many[0].details.issues[0].path, ['title']);
  const { body: wrong } = await call(url, '/api/publish', { channel: 'news', data: 1, keep: 'no' });
  assert.deepEqual([wrong.code, wrong.details.issues[0].path], ['BAD_MESSAGE', ['keep']]);
});

test('a body over the limit is refused before it is read, with or without a declared length', async (t) => {
  const { url, hub } = await serveApi(t, { maxBody: 1_000 });
  const head = 'POST /api/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer all\r\n';
  const told = await raw(url, `${head}Content-Length: 1000000\r\n\r\n{`);
  const chunk = `3e8\r\n${' '.repeat(1_000)}\r\n`;
  const untold = await raw(url, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`);
  for (const answer of [told, untold]) {
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /"code":"TOO_LARGE"/);
  }
  assert.equal((await hub.history('news')).head, 0);
});

test('curl gets the answer 413 to a large file', { skip: missing('curl') }, async (t) => {
  const { url } = await serveApi(t, { maxBody: 10_000 });
  const body = JSON.stringify({ channel: 'news', data: 'x'.repeat(3_000_000) });
  const args = ['-sS', '-H', 'Authorization: Bearer all', '--data-binary', '@-', `${url}/api/publish`];
  const child = run('curl', args);
  child.child.stdin!.on('error', () => {}).end(body);
  assert.equal(JSON.parse((await child).stdout).code, 'TOO_LARGE');
});

test('a client that sends a body too slowly is cut off', async (t) => {
  const { url } = await serveApi(t, { serve: { handshakeTimeout: 200, requestTimeout: 200 } });
  const head = 'POST /api/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer all\r\nContent-Length: 100\r\n\r\n';
  assert.match(await raw(url, `${head}{"chan`), /^HTTP\/1\.1 408 /);
});

test('a body that is not UTF-8 is refused, and one with U+FFFD in it is accepted', async (t) => {
  const { url } = await serveApi(t);
  const head = 'POST /api/publish HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer all\r\n';
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${head}Content-Length: 31\r\n\r\n{"channel":"news","data":"`);
  socket.write(Buffer.from([0xff, 0x80, 0xff, 0x22, 0x7d]));
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /not UTF-8/);
  assert.equal((await call(url, '/api/publish', { channel: 'news', data: '\ufffd' })).status, 200);
});

test('an unknown route is 404, whatever it looks like, and a wrong method is 405 with the allowed ones', async (t) => {
  const { url } = await serveApi(t);
  for (const path of ['/api', '/api/', '/api/publish/', '/api/..%2f..%2fetc/passwd', '/api/%zz', '/api//publish']) {
    const { status, body } = await call(url, path);
    assert.deepEqual([status, body.code], [404, 'NO_SUCH_ROUTE'], path);
  }
  const dots = await raw(url, 'GET /api/../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(dots, /^HTTP\/1\.1 404 /);
  const wrong = await call(url, '/api/publish');
  assert.deepEqual([wrong.status, wrong.body.code], [405, 'METHOD_NOT_ALLOWED']);
  assert.equal(wrong.headers.get('allow'), 'POST');
  assert.equal((await call(url, '/api/users', {})).headers.get('allow'), 'GET, HEAD');
});

test('HEAD is answered like GET, without the body', async (t) => {
  const { url } = await serveApi(t);
  const response = await fetch(`${url}/api/users`, { method: 'HEAD', headers: { Authorization: 'Bearer all' } });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type')!, /^application\/json/);
  assert.equal(await response.text(), '');
});

test('scripts of a foreign page may call the API only if the configuration allows it, also in the preflight', async (t) => {
  const open = await serveApi(t, { cors: ['https://shop.example'] });
  const shut = await serveApi(t);
  const preflight = async (url: string, Origin: string) => {
    const headers = {
      Origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization',
    };
    return fetch(`${url}/api/publish`, { method: 'OPTIONS', headers });
  };
  const allowed = await preflight(open.url, 'https://shop.example');
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://shop.example');
  assert.match(allowed.headers.get('access-control-allow-headers')!, /Authorization/);
  assert.equal((await preflight(open.url, 'https://evil.example')).headers.get('access-control-allow-origin'), null);
  assert.equal((await preflight(shut.url, 'https://shop.example')).status, 405);
  const refused = await call(open.url, '/api/publish', '{', { Origin: 'https://shop.example' });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [400, 'https://shop.example']);
});

test('a failure of the server is described in general terms, and its owner is notified', async (t) => {
  const { url, errors } = await serveApi(t, {
    api: { auth: { revoke: () => Promise.reject(new Error('/var/secret.db is broken')) } },
  });
  const { status, body } = await call(url, '/api/users/ana/revoke', {});
  assert.deepEqual([status, body.code], [500, 'INTERNAL']);
  assert.doesNotMatch(body.message, /secret/);
  assert.equal(errors.length, 1);
});
