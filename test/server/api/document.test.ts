import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { answer, Client } from '../../../src/client/index.ts';
import { until } from '../../support/until.ts';
import { HubPeer } from '../hub-peer.ts';
import { call, serveApi } from './api-peer.ts';

/** One call of each route: its path in the document, the path, and the body. */
const CALLS: readonly [documented: string, path: string, body?: unknown][] = [
  ['/api/publish', '/api/publish', { channel: 'news', data: { title: 'Hola' }, key: 'k1' }],
  ['/api/broadcast', '/api/broadcast', { channels: ['news', 'other'], data: 1 }],
  ['/api/batch', '/api/batch', [{ channel: 'news', data: 1 }, { channel: 'news' }]],
  ['/api/replace', '/api/replace', { channel: 'news', data: 2 }],
  ['/api/erase', '/api/erase', { channel: 'news' }],
  ['/api/history', '/api/history?channel=news&limit=10'],
  ['/api/presence', '/api/presence?channel=news'],
  ['/api/channels', '/api/channels?pattern=n*'],
  ['/api/users', '/api/users?limit=1'],
  ['/api/users/{id}', '/api/users/ana'],
  ['/api/connections', '/api/connections?limit=1'],
  ['/api/users/{id}/send', '/api/users/ana/send', { data: 'hola' }],
  ['/api/users/{id}/call', '/api/users/ana/call', { method: 'confirm', data: 'sure?' }],
  ['/api/users/{id}/subscribe', '/api/users/ana/subscribe', { channel: 'news' }],
  ['/api/users/{id}/unsubscribe', '/api/users/ana/unsubscribe', { channel: 'news' }],
  ['/api/users/{id}/disconnect', '/api/users/ana/disconnect', {}],
  ['/api/users/{id}/revoke', '/api/users/luis/revoke', { message: 'you left the company' }],
  ['/api/refresh', '/api/refresh', { user: 'luis' }],
  ['/api/sources', '/api/sources'],
  ['/api/devices', '/api/devices?source=doors&limit=1'],
  ['/api/sinks', '/api/sinks'],
  ['/api/sinks/{sink}/aside', '/api/sinks/doors/aside?limit=1'],
  ['/api/sinks/{sink}/retry', '/api/sinks/doors/retry', { places: [7] }],
  ['/api/sinks/{sink}/drop', '/api/sinks/doors/drop', { all: true }],
  ['/api/whoami', '/api/whoami'],
  ['/api/login', '/api/login', { user: 'ana', password: 'secret' }],
];

const SOURCE = { name: 'doors', kind: 'listen', place: 'tcp://0.0.0.0:5010', ok: true, error: undefined, failures: 0 };
const DEVICE = {
  source: 'doors',
  device: 'a',
  here: true,
  address: 'tcp://192.0.2.4:40000',
  lastSeen: 1_764_125_100_000,
  frames: 2,
  errors: 1,
  lastError: { code: 'FRAME_DAMAGED', message: 'a frame has a wrong checksum', at: 1_764_125_100_000 },
};

/** One that a sink has set aside. */
const ROW = {
  place: 7,
  channel: 'door:1',
  offset: 1,
  time: 1_764_125_100_000,
  reason: 'NOT NULL constraint failed',
  data: '{"badge":null}',
  meta: '{"user":"ana"}',
};

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

test('every route is in the OpenAPI document, and its real answers and refusals match the document', async (t) => {
  const { url, ws } = await serveApi(t, {
    hub: {
      connect: ({ token }) => (token === undefined ? {} : { user: token }),
      channels: { '*': { presence: true } },
    },
    api: {
      sources: { list: () => [SOURCE], devices: () => [DEVICE, { ...DEVICE, device: 'b' }] },
      sinks: {
        health: () => ({ doors: { ok: true, error: undefined, waiting: 0, aside: 1, lag: 0 } }),
        aside: () => ({
          page: async () => ({ rows: [ROW], next: 7 }),
          retry: async () => 1,
          drop: async () => 1,
        }),
      },
      auth: { revoke: () => {}, login: async () => ({ token: 'ana', expiresIn: 1_000 }) },
    },
  });
  for (const user of ['ana', 'luis']) {
    const peer = await HubPeer.join(t, ws, { token: user });
    await peer.ask('sub', 'news', { member: { name: user } });
  }
  const client = new Client(ws, { token: 'ana' });
  t.after(() => client.close());
  answer(client, 'confirm', () => true);
  const confirm = () => call(url, '/api/users/ana/call', { method: 'confirm' });
  await until(async () => (await confirm()).status === 200, 'a client answers');
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
    // Of what was published first: the epoch of its log is another one each time.
    const at = /erase|replace/.test(path) && { at: (await call(url, '/api/history?channel=news')).body.epoch };
    const answer = await call(url, path, at ? { ...(body as object), at: [at.at, 1] } : body);
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
