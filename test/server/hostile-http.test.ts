import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';

const BODY = '{"channel":"news","data":1}';
const KEY = `Authorization: Bearer ${API_KEY}`;

/** Everything that is answered to these bytes until the server closes. */
async function answersTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.on('error', () => {}); // it may be cut off while it still speaks
  socket.write(text);
  let answer = '';
  socket.on('data', (some) => {
    answer += some;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

function request(line: string, fields: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', ...fields, '', body].join('\r\n');
}

const publish = (...fields: string[]) => request('POST /api/publish', [KEY, ...fields], BODY);
const SMUGGLED = request('GET /api/users', [KEY]);

/** Each with the status that it gets: it alone, and nothing that stands behind it. */
const HOSTILE: Record<string, [status: number, bytes: string]> = {
  'a length and chunks': [400, publish('Content-Length: 5', 'Transfer-Encoding: chunked') + SMUGGLED],
  'two lengths': [400, publish(`Content-Length: ${BODY.length}`, 'Content-Length: 5') + SMUGGLED],
  'an unknown coding of the body': [400, publish('Transfer-Encoding: xchunked') + SMUGGLED],
  'a chunk without a size': [
    400,
    request('POST /api/publish', [KEY, 'Transfer-Encoding: chunked'], 'ZZ\r\n') + SMUGGLED,
  ],
  'a space before the colon': [400, publish('Content-Length : 5') + SMUGGLED],
  'no host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'a path with a null': [400, request('GET /\0')],
  'another protocol': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'three thousand headers': [
    431,
    request(
      'GET /',
      Array.from({ length: 3_000 }, (_, n) => `x${n}: y`),
    ),
  ],
  'a body that is said to be far too large': [413, publish('Expect: 100-continue', 'Content-Length: 99999999')],
  'a body that is far too large, without a key': [
    401,
    request('POST /api/publish', ['Content-Length: 99999999'], BODY),
  ],
  'an expectation that nobody knows': [
    417,
    publish('Expect: 200-ok', `Content-Length: ${BODY.length}`, 'Connection: close'),
  ],
};

test('requests crafted to be misread get one answer each, and nothing hidden in them is executed', async (t) => {
  const { url, call } = await startDaemon(t);
  const port = Number(new URL(url).port);
  for (const [name, [status, bytes]] of Object.entries(HOSTILE)) {
    const answer = (await answersTo(port, bytes)).replace('HTTP/1.1 100 Continue\r\n\r\n', '');
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), name);
    assert.equal(answer.split('HTTP/1.1 ').length, 2, `${name}: ${answer}`);
  }
  assert.deepEqual((await call('GET', '/api/history?channel=news')).body.entries, []);
});

test('no path reaches files outside of the pages or another host, in any spelling', async (t) => {
  const { url } = await startDaemon(t);
  const port = Number(new URL(url).port);
  for (const path of [
    '/../package.json',
    '/web/../package.json',
    '/web/..%2f..%2fpackage.json',
    '/web/%2e%2e/%2e%2e/package.json',
    '/web\\..\\package.json',
    '/web/admin/../../../../../../etc/passwd',
    '//etc/passwd',
    '/__proto__',
    '/constructor',
    '/api/../package.json',
    '/sse/../admin',
    'http://localhost/../package.json',
    'file://localhost/etc/passwd',
  ]) {
    const answer = await answersTo(port, request(`GET ${path}`, [KEY, 'Connection: close']));
    assert.match(answer, /^HTTP\/1\.1 404 /, path);
  }
  // RFC 9112 §3.2.2: a target in absolute-form is asked of this server, whatever host it names.
  assert.match(await answersTo(port, request('GET http://other.example/none', [KEY, 'Connection: close'])), / 404 /);
  assert.match(await answersTo(port, request('GET http://other.example/admin', [KEY, 'Connection: close'])), / 200 /);
  assert.match(await answersTo(port, request('GET file:///etc/passwd', [KEY, 'Connection: close'])), / 400 /);
  assert.equal(await answersTo(port, request('CONNECT localhost:22')), '');
  for (const path of ['/', '/admin', '/api/users'])
    for (const method of ['TRACE', 'PUT', 'DELETE'])
      assert.match(await answersTo(port, request(`${method} ${path}`, [KEY, 'Connection: close'])), / 405 /, method);
});
