import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../../src/protocol/index.ts';
import { Router } from '../../../src/server/api/router.ts';
import { call, serveApi } from './api-peer.ts';

const ROUTES = [
  { method: 'GET', path: '/api/users' },
  { method: 'POST', path: '/api/users' },
  { method: 'POST', path: '/api/publish' },
  { method: 'GET', path: '/api/users/:id' },
  { method: 'POST', path: '/api/users/:id/send' },
] as const;
const router = new Router<(typeof ROUTES)[number]>(ROUTES);

/** `METHOD path {params}` of the route that is found, or the code of the error with the methods that are right. */
function found(method: string, path: string): string {
  let allow = '';
  try {
    const { route, params } = router.find(method, path, (methods) => {
      allow = ` ${methods}`;
    });
    return `${route.method} ${route.path} ${JSON.stringify(params)}`;
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    return `${error.code}${allow}`;
  }
}

for (const [method, path, expected] of [
  ['GET', '/api/users', 'GET /api/users {}'],
  ['HEAD', '/api/users', 'GET /api/users {}'],
  ['POST', '/api/users', 'POST /api/users {}'],
  ['GET', '/api/users/ana', 'GET /api/users/:id {"id":"ana"}'],
  ['POST', '/api/users/ana/send', 'POST /api/users/:id/send {"id":"ana"}'],
  ['GET', '/api/users/a%20b%2Fc%C3%B1', 'GET /api/users/:id {"id":"a b/cñ"}'],
  ['GET', '/api/users/__proto__', 'GET /api/users/:id {"id":"__proto__"}'],
  ['GET', '/api/users/..', 'GET /api/users/:id {"id":".."}'],
  ['PUT', '/api/users', 'METHOD_NOT_ALLOWED GET, HEAD, POST'],
  ['GET', '/api/publish', 'METHOD_NOT_ALLOWED POST'],
  ['HEAD', '/api/publish', 'METHOD_NOT_ALLOWED POST'],
  ['GET', '/api/users/ana/send', 'METHOD_NOT_ALLOWED POST'],
  ['constructor', '/api/users', 'METHOD_NOT_ALLOWED GET, HEAD, POST'],
  ['GET', '/api/users/', 'NO_SUCH_ROUTE'],
  ['GET', '/api/users/%zz', 'NO_SUCH_ROUTE'],
  ['GET', '/api/users/%ff', 'NO_SUCH_ROUTE'],
  ['GET', '/api/users/ana/', 'NO_SUCH_ROUTE'],
  ['POST', '/api/users//send', 'NO_SUCH_ROUTE'],
  ['GET', '/api/Users', 'NO_SUCH_ROUTE'],
  ['GET', '', 'NO_SUCH_ROUTE'],
  ['GET', '/api/:id', 'NO_SUCH_ROUTE'],
] as const)
  test(`${method} ${path || 'of nothing'} is ${expected}`, () => assert.equal(found(method, path), expected));

test('of a repeated member of the query, the first counts', async (t) => {
  const { url } = await serveApi(t);
  const { status, body } = await call(url, '/api/channels?limit=7&limit=many&pattern=chat%3A*');
  assert.deepEqual([status, body], [200, { channels: [] }]);
  assert.equal((await call(url, '/api/channels?limit=many&limit=7')).status, 400);
});

test('answers to pages vary by origin, and a preflight says so for every path', async (t) => {
  const { url } = await serveApi(t, { cors: ['https://shop.example'] });
  const origins = ['https://shop.example', 'https://evil.example', undefined];
  for (const origin of origins)
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await fetch(`${url}/api/whoami`, { method, headers: { ...(origin && { origin }) } });
      const isAllowed = origin === origins[0];
      assert.deepEqual(
        [headers.get('vary'), headers.get('access-control-allow-origin')],
        ['Origin', isAllowed ? origin : null],
      );
      assert.equal(headers.get('access-control-allow-methods'), method === 'GET' ? null : 'GET, HEAD, POST');
    }
  const open = await serveApi(t, { cors: '*' });
  const { status, headers } = await fetch(`${open.url}/api/none`, { headers: { origin: 'https://any.example' } });
  assert.deepEqual([status, headers.get('access-control-allow-origin'), headers.get('vary')], [404, '*', null]);
});

test('only a body that was not read completely closes the connection', async (t) => {
  const { url } = await serveApi(t, { maxBody: 100_000 });
  const connectionAfter = async (length: number) => {
    const { status, headers } = await call(url, '/api/publish', { channel: 'news', data: 'x'.repeat(length) });
    return [status, headers.get('connection')];
  };
  assert.deepEqual(await connectionAfter(70_000), [413, 'keep-alive']);
  assert.deepEqual(await connectionAfter(10_000_000), [413, 'close']);
});
