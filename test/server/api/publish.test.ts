import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { missing } from '../../support/need.ts';
import { HubPeer } from '../hub-peer.ts';
import { call, serveApi } from './api-peer.ts';

const run = promisify(execFile);

test("curl's plain -d publishes to the subscribers", { skip: missing('curl') }, async (t) => {
  const { url, ws } = await serveApi(t);
  const luis = await HubPeer.join(t, ws);
  const { epoch } = await luis.ask('sub', 'news');
  const data = '{"channel":"news","data":{"title":"Hola"}}';
  const { stdout } = await run('curl', ['-sS', '-H', 'Authorization: Bearer all', '-d', data, `${url}/api/publish`]);
  assert.deepEqual(JSON.parse(stdout), { at: [epoch, 1] });
  assert.deepEqual(await luis.publications(1), [[1, { title: 'Hola' }]]);
});

test('the same data with the same Idempotency-Key is published once, and other data is refused', async (t) => {
  const { url, hub } = await serveApi(t);
  const body = { channel: 'news', data: 1 };
  const first = await call(url, '/api/publish', body, { 'Idempotency-Key': 'k1' });
  assert.deepEqual((await call(url, '/api/publish', body, { 'Idempotency-Key': '"k1"' })).body, first.body);
  assert.deepEqual((await call(url, '/api/publish', { ...body, key: 'k1' })).body, first.body);
  const other = await call(url, '/api/publish', { ...body, data: 2 }, { 'Idempotency-Key': 'k1' });
  assert.deepEqual([other.status, other.body.code], [422, 'KEY_REUSED']);
  assert.equal((await hub.history('news')).head, 1);
});

test('a publication with keep: false reaches the current subscribers, has no position, and can exclude one connection', async (t) => {
  const { url, ws, hub } = await serveApi(t);
  const ana = await HubPeer.connect(t, ws);
  const { connection } = await ana.ask('hi', {});
  const luis = await HubPeer.join(t, ws);
  for (const peer of [ana, luis]) await peer.ask('sub', 'news');
  const typing = { channel: 'news', data: 'typing', keep: false, except: connection };
  assert.deepEqual((await call(url, '/api/publish', typing)).body, {});
  await call(url, '/api/publish', { channel: 'news', data: 'done' });
  assert.deepEqual(await luis.publications(2), [
    [0, 'typing'],
    [1, 'done'],
  ]);
  assert.deepEqual(await ana.publications(1), [[1, 'done']]);
  assert.equal((await hub.history('news')).head, 1);
});

test('a batch is stored in order, and an invalid part does not affect the others', async (t) => {
  const { url, hub } = await serveApi(t);
  const { status, body } = await call(url, '/api/batch', [
    { channel: 'news', data: 1 },
    { channel: 'no name', data: 2 },
    { channel: 'news' },
    { channel: 'news', data: 3 },
    'nonsense',
  ]);
  assert.equal(status, 200);
  assert.deepEqual(
    body.map((answer: { at?: [string, number]; code?: string }) => answer.at?.[1] ?? answer.code),
    [1, 'BAD_CHANNEL', 'BAD_MESSAGE', 2, 'BAD_MESSAGE'],
  );
  const { entries } = await hub.history('news');
  assert.deepEqual(
    entries.map(([, data]) => data),
    [1, 3],
  );
});

test('a batch of a thousand is accepted, and one of 1,001 is refused', async (t) => {
  const { url, hub } = await serveApi(t);
  const parts = Array.from({ length: 1_000 }, (_, data) => ({ channel: 'news', data }));
  assert.equal((await call(url, '/api/batch', parts)).body.at(-1).at[1], 1_000);
  const refused = await call(url, '/api/batch', [...parts, parts[0]]);
  assert.deepEqual([refused.status, refused.body.code], [400, 'BAD_MESSAGE']);
  assert.equal((await hub.history('news')).head, 1_000);
});

test('a broadcast goes to each channel, or to none when one of them is not permitted', async (t) => {
  const { url, hub } = await serveApi(t);
  const { body } = await call(url, '/api/broadcast', { channels: ['a', 'b'], data: 'hola' });
  assert.deepEqual(
    body.published.map(({ channel, at }: { channel: string; at: [string, number] }) => [channel, at[1]]),
    [
      ['a', 1],
      ['b', 1],
    ],
  );
  const headers = { Authorization: 'Bearer news' };
  const refused = await call(url, '/api/broadcast', { channels: ['news', 'b'], data: 'no' }, headers);
  assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN']);
  assert.equal((await hub.history('news')).head, 0);
});

test('a key publishes only where it may, and nobody publishes without one', async (t) => {
  const { url, hub } = await serveApi(t);
  const body = { channel: 'news:1', data: 1 };
  const publish = async (Authorization: string, channel = 'news:1') =>
    call(url, '/api/publish', { ...body, channel }, { Authorization });
  assert.equal((await publish('Bearer news')).status, 200);
  const refused = [await publish('Bearer news', 'chat'), await publish('Bearer reader'), await publish('Bearer other')];
  assert.deepEqual(
    refused.map(({ status, body }) => [status, body.code]),
    [
      [403, 'FORBIDDEN'],
      [403, 'FORBIDDEN'],
      [401, 'UNAUTHORIZED'],
    ],
  );
  const nobody = await fetch(`${url}/api/publish`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(nobody.status, 401);
  assert.match(nobody.headers.get('www-authenticate')!, /^Bearer/);
  assert.equal((await hub.history('news:1')).head, 1);
  assert.equal((await hub.history('chat')).head, 0);
});

test('a publication that the log cannot store now is answered with 503 and Retry-After', async (t) => {
  const { url, hub } = await serveApi(t);
  await hub.open();
  await hub.close();
  const { status, body, headers } = await call(url, '/api/publish', { channel: 'news', data: 1 });
  assert.deepEqual([status, body.code, body.retryAfter], [503, 'UNAVAILABLE', 1_000]);
  assert.equal(headers.get('retry-after'), '1');
});

test('a query that a route does not use does not change its answer', async (t) => {
  const { url } = await serveApi(t, { maxBody: 1_000 });
  const publication = { channel: 'news', data: 1, key: 'k1' };
  const cases: [path: string, body: unknown, headers?: object][] = [
    ['/api/publish', publication],
    ['/api/publish', { ...publication, data: '¡Hola!', key: 'k2' }],
    ['/api/broadcast', { channels: ['news', 'no way'], data: 1 }],
    ['/api/broadcast', { channels: ['news', 'sport'], data: 1, key: 'k3' }],
    ['/api/batch', [publication, { channel: 'news' }]],
    ['/api/refresh', { user: 'ana' }],
    ['/api/publish', { ...publication, data: 2 }],
    ['/api/publish', { channel: 'no way', data: 1 }],
    ['/api/publish', { channel: 'news', dta: 1 }],
    ['/api/publish', '{"channel":\n"news",}'],
    ['/api/publish', ''],
    ['/api/publish', 'x'.repeat(1_001)],
    ['/api/publish', publication, { Authorization: 'Bearer wrong' }],
    ['/api/publish', publication, { Authorization: 'Bearer reader' }],
    ['/api/publish', { channel: 'sport', data: 1 }, { Authorization: 'Bearer news' }],
  ];
  for (const [path, body, headers] of cases) {
    const [plain, asked] = [await call(url, path, body, headers), await call(url, `${path}?by=curl`, body, headers)];
    const [seen, expected] = [plain, asked].map(({ headers, ...rest }) => {
      const { date: _, ...others } = Object.fromEntries(headers);
      return { ...rest, headers: others };
    });
    assert.deepEqual(seen, expected, `${path} ${JSON.stringify(body)}`);
  }
});

test('the event of a publication is in the history of the API, and an empty one is refused', async (t) => {
  const { url } = await serveApi(t);
  await call(url, '/api/publish', { channel: 'news', data: 1, event: 'moved' });
  await call(url, '/api/broadcast', { channels: ['news'], data: 2, event: 'removed' });
  const { body } = await call(url, '/api/history?channel=news');
  assert.deepEqual(body.entries.map(([, data, { event }]: [number, unknown, { event: string }]) => [data, event]), [[1, 'moved'], [2, 'removed']]); // biome-ignore format: one line
  assert.equal((await call(url, '/api/publish', { channel: 'news', data: 1, event: '' })).body.code, 'BAD_MESSAGE');
});
