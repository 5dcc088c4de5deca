import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handshakeOf, tokenIn } from '../../../src/server/auth/credentials.ts';

const NONE = { url: '/', headers: {}, address: '' };

test('a handshake without a request has no token and no address', () => {
  const url = '/?token=t';
  for (const request of [undefined, null, 'text', 7, {}, { url }, { headers: { authorization: 'Bearer t' } }])
    assert.deepEqual(
      handshakeOf(request, () => assert.fail('it has no address')),
      NONE,
    );
});

test("the address is what finds it behind proxies, else the request's own, else its socket's", () => {
  const request = { url: '/chat', headers: {}, remoteAddress: '192.0.2.1', socket: { remoteAddress: '192.0.2.2' } };
  const { remoteAddress: _, ...plain } = request;
  const addresses = [
    handshakeOf(request, () => '192.0.2.3').address,
    handshakeOf(request, () => undefined).address,
    handshakeOf(request, undefined).address,
    handshakeOf(plain, undefined).address,
    handshakeOf({ ...plain, socket: {} }, undefined).address,
  ];
  assert.deepEqual(addresses, ['192.0.2.3', '192.0.2.1', '192.0.2.1', '192.0.2.2', '']);
  assert.deepEqual(handshakeOf({ ...plain, url: undefined }, undefined).url, '/');
});

test('the token is that of the header, or else that of the query', () => {
  const tokenOf = (url: string, authorization?: string) => tokenIn({ ...NONE, url, headers: { authorization } });
  assert.equal(tokenOf('/chat'), undefined);
  assert.equal(tokenOf('/chat?room=a'), undefined);
  for (const url of ['/chat?token=a', '?token=a', '/?b=1&token=a', '/?q=?&token=a', '/chat?token=a&token=b'])
    assert.equal(tokenOf(url), 'a', url);
  assert.equal(tokenOf('/?token='), '');
  assert.equal(tokenOf('/?token=a%2Bb+c'), 'a+b c');
  assert.equal(tokenOf('/?token=a', 'Bearer b'), 'b');
  assert.equal(tokenOf('/?token=a', 'bearer   b '), 'b');
  for (const bad of ['Bearer', 'Bearer ', 'Bearer a b']) assert.equal(tokenOf('/?token=a', bad), '', bad);
  for (const other of ['Basic b', 'BearerX b', '']) assert.equal(tokenOf('/?token=a', other), 'a', other);
});
