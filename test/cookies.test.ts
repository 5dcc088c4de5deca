import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { cookiesOf } from '../src/cookies.ts';
import { visitorRequest } from '../src/hub/index.ts';
import { UpgradeRequest } from '../src/websocket/index.ts';

test('cookies are found by name, decoded, and whatever a header contains is no error', () => {
  const cases: [string | undefined, Record<string, string>][] = [
    [undefined, {}],
    ['', {}],
    ['sid=3f1c', { sid: '3f1c' }],
    ['theme=dark; sid=3f1c;lang=es', { theme: 'dark', sid: '3f1c', lang: 'es' }],
    ['connect.sid=s%3Aabc.d%2Fe', { 'connect.sid': 's:abc.d/e' }],
    ['a="quoted"; b=', { a: 'quoted', b: '' }],
    ['a=1=2', { a: '1=2' }],
    ['a=%zz; b=100%', { a: '%zz', b: '100%' }],
    ['a=first; a=second', { a: 'first' }],
    ['nothing; =nameless; ;; b=1', { b: '1' }],
    ['constructor=1; __proto__=2', JSON.parse('{"constructor":"1","__proto__":"2"}')],
  ];
  for (const [header, cookies] of cases) assert.deepEqual({ ...cookiesOf(header) }, cookies, header);
  assert.equal(cookiesOf('a=1').toString, undefined);
});

test('a handshake has its cookies, also from a header that was repeated', () => {
  const rawHeaders = ['Cookie', 'sid=3f1c', 'Host', 'localhost', 'cookie', 'lang=es'];
  const request = { url: '/?a=1', rawHeaders, headers: {}, socket: { remoteAddress: '192.0.2.1' } };
  const { cookies, remoteAddress } = new UpgradeRequest(request as unknown as IncomingMessage);
  assert.deepEqual([{ ...cookies }, remoteAddress], [{ sid: '3f1c', lang: 'es' }, '192.0.2.1']);
});

test('a request of which only a part is known has what follows from it', () => {
  const { path, query, cookies, origin, remoteAddress } = visitorRequest({
    url: '/chat?room=42?',
    headers: { cookie: 'sid=3f1c', origin: 'https://example.org' },
  });
  assert.deepEqual(
    [path, query.get('room'), cookies.sid, origin, remoteAddress],
    ['/chat', '42?', '3f1c', 'https://example.org', ''],
  );
  assert.deepEqual([visitorRequest({}).path, visitorRequest({ cookies: { sid: 'x' } }).cookies.sid], ['/', 'x']);
});
