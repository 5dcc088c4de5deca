import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { HubPeer } from '../hub-peer.ts';
import { call, serveApi } from './api-peer.ts';

/** One call of each route: its path in the document, the path, and the body. */
const CALLS: readonly [documented: string, path: string, body?: unknown][] = [
  ['/api/publish', '/api/publish', { channel: 'news', data: { title: 'Hola' }, key: 'k1' }],
  ['/api/broadcast', '/api/broadcast', { channels: ['news', 'other'], data: 1 }],
  ['/api/batch', '/api/batch', [{ channel: 'news', data: 1 }, { channel: 'news' }]],
  ['/api/history', '/api/history?channel=news&limit=10'],
  ['/api/presence', '/api/presence?channel=news'],
  ['/api/channels', '/api/channels?pattern=n*'],
  ['/api/users', '/api/users?limit=1'],
  ['/api/users/{id}', '/api/users/ana'],
  ['/api/connections', '/api/connections?limit=1'],
  ['/api/users/{id}/send', '/api/users/ana/send', { data: 'hola' }],
  ['/api/users/{id}/unsubscribe', '/api/users/ana/unsubscribe', { channel: 'news' }],
  ['/api/users/{id}/disconnect', '/api/users/ana/disconnect', {}],
  ['/api/users/{id}/revoke', '/api/users/luis/revoke', { message: 'you left the company' }],
  ['/api/refresh', '/api/refresh', { user: 'luis' }],
  ['/api/whoami', '/api/whoami'],
  ['/api/login', '/api/login', { user: 'ana', password: 'secret' }],
];

// biome-ignore lint/suspicious/noExplicitAny: a document is read as it comes
type Json = any;

/** The document's schemas refer to one another. */
function inlined(node: Json, document: Json): Json {
  if (Array.isArray(node)) return node.map((inner) => inlined(inner, document));
  if (typeof node !== 'object' || node === null) return node;
  if (typeof node.$ref === 'string') {
    const found = node.$ref
      .slice(2)
      .split('/')
      .reduce((at: Json, name: string) => at[name], document);
    return inlined(found, document);
  }
  return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, inlined(inner, document)]));
}

test('every route is in the OpenAPI document, and its real answers and refusals are as the document says', async (t) => {
  const { url, ws } = await serveApi(t, {
    hub: {
      connect: ({ token }) => (token === undefined ? {} : { user: token }),
      channels: { '*': { presence: true } },
    },
    api: { auth: { revoke: () => {}, login: async () => ({ token: 'ana', expiresIn: 1_000 }) } },
  });
  for (const user of ['ana', 'luis']) {
    const peer = await HubPeer.join(t, ws, { token: user });
    await peer.ask('sub', 'news', { member: { name: user } });
  }
  const { body: document } = await call(url, '/api/openapi.json');
  assert.equal(document.openapi, '3.1.0');
  const covered = new Set(CALLS.map(([documented]) => documented));
  assert.deepEqual(
    Object.keys(document.paths).filter((path) => !covered.has(path)),
    [],
  );
  for (const [documented, path, body] of CALLS) {
    const operation = inlined(document.paths[documented][body === undefined ? 'get' : 'post'], document);
    const schema = (response: string) => operation.responses[response].content['application/json'].schema;
    const answer = await call(url, path, body);
    assert.equal(answer.status, 200, path);
    z.fromJSONSchema(schema('200')).parse(answer.body);
    if (operation.security.length === 0) continue;
    const refused = await call(url, path, body, { Authorization: 'Bearer wrong' });
    assert.equal(refused.status, 401, path);
    z.fromJSONSchema(schema('default')).parse(refused.body);
  }
  // A validator that lets everything pass would prove nothing.
  const { schema } = inlined(
    document.paths['/api/publish'].post.responses['200'].content['application/json'],
    document,
  );
  assert.throws(() => z.fromJSONSchema({ ...schema }).parse({ at: 'somewhere' }));
});
