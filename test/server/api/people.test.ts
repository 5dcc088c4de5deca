import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outgoing } from '../../../src/hub/index.ts';
import { until } from '../../support/until.ts';
import { HubPeer } from '../hub-peer.ts';
import { call, serveApi } from './api-peer.ts';

const connectAs = {
  connect: ({ token }: { token: string | undefined }) => (token === undefined ? {} : { user: token }),
};

test('the history is read page by page, from a position', async (t) => {
  const { url, hub } = await serveApi(t);
  for (let n = 1; n <= 5; n++) await hub.publish('news', n);
  const first = (await call(url, '/api/history?channel=news&limit=2')).body;
  assert.deepEqual([first.head, first.entries.map(([offset]: [number]) => offset)], [5, [1, 2]]);
  const rest = (await call(url, `/api/history?channel=news&at=${first.epoch}:2`)).body;
  assert.deepEqual(
    rest.entries.map(([, data]: [number, unknown]) => data),
    [3, 4, 5],
  );
  const refused = await call(url, `/api/history?channel=news&at=${first.epoch}:99`);
  assert.deepEqual([refused.status, refused.body.code], [400, 'BAD_POSITION']);
  assert.equal((await call(url, '/api/history?channel=news&at=5')).body.code, 'BAD_MESSAGE');
  assert.equal((await call(url, '/api/history?channel=news&limit=0')).body.code, 'BAD_MESSAGE');
});

test('channels are listed in pages, with their numbers of subscribers, and only those that the key may read', async (t) => {
  const { url, ws } = await serveApi(t, { hub: { channels: { '*': { presence: true } } } });
  const ana = await HubPeer.join(t, ws);
  for (const channel of ['news:1', 'news:2', 'chat:1']) await ana.ask('sub', channel, { member: {} });
  const page = (await call(url, '/api/channels?limit=2')).body;
  assert.deepEqual(page, {
    channels: [
      { channel: 'chat:1', subscribers: 1, members: 1 },
      { channel: 'news:1', subscribers: 1, members: 1 },
    ],
    next: 'news:1',
  });
  const rest = (await call(url, `/api/channels?limit=2&after=${page.next}`)).body;
  assert.deepEqual(rest, { channels: [{ channel: 'news:2', subscribers: 1, members: 1 }] });
  const names = async (query: string, key = 'all') =>
    (await call(url, `/api/channels${query}`, undefined, { Authorization: `Bearer ${key}` })).body.channels.map(
      ({ channel }: { channel: string }) => channel,
    );
  assert.deepEqual(await names('?pattern=*:1'), ['chat:1', 'news:1']);
  assert.deepEqual(await names('?pattern=chat:1'), ['chat:1']);
  assert.deepEqual(await names('', 'news'), ['news:1', 'news:2']);
});

test('a user is shown with every connection, whatever characters the id has', async (t) => {
  const { url, ws } = await serveApi(t, { hub: connectAs });
  const id = 'ana/100%25@example.org';
  const peer = await HubPeer.join(t, ws, { token: id });
  await peer.ask('sub', 'news');
  const { body } = await call(url, `/api/users/${encodeURIComponent(id)}`);
  assert.equal(body.id, id);
  assert.deepEqual(
    [body.online, body.connections[0].channels, body.connections[0].address],
    [true, ['news'], '127.0.0.1'],
  );
  assert.deepEqual((await call(url, '/api/users/nobody')).body, { id: 'nobody', online: false, connections: [] });
  assert.deepEqual(
    (await call(url, '/api/users')).body.users.map((user: { id: string }) => user.id),
    [id],
  );
});

test('a user can be sent data, unsubscribed from a channel, told to reconnect, and disconnected', async (t) => {
  const revoked: string[] = [];
  const { url, ws } = await serveApi(t, {
    hub: connectAs,
    api: { auth: { revoke: (user) => revoked.push(user) } },
  });
  const join = () => HubPeer.join(t, ws, { token: 'ana' });
  const one = await join();
  await one.ask('sub', 'news');
  const post = async (path: string, body?: unknown) => (await call(url, path, body ?? '')).body;
  assert.deepEqual(await post('/api/users/ana/send', { data: { n: 1 } }), { connections: 1 });
  assert.deepEqual((await one.until('to'))[1], { n: 1 });
  assert.deepEqual(await post('/api/users/ana/unsubscribe', { channel: 'news' }), { connections: 1 });
  assert.deepEqual((await one.until('end')).slice(1, 3), ['news', 'FORBIDDEN']);
  assert.deepEqual(await post('/api/users/ana/unsubscribe', { channel: 'news' }), { connections: 0 });
  assert.deepEqual(await post('/api/refresh', { user: 'ana' }), { connections: 1 });
  const [, code, { after }] = (await one.until('bye')) as [string, string, { after: number }];
  assert.deepEqual([code, typeof after], ['SHUTTING_DOWN', 'number']);
  const two = await join();
  assert.deepEqual(await post('/api/users/ana/disconnect'), { connections: 1 });
  assert.deepEqual((await two.until('bye')).slice(1, 3), ['CLOSED', {}]);
  const three = await join();
  assert.deepEqual(await post('/api/users/ana/revoke', {}), { connections: 1 });
  assert.deepEqual((await three.until('bye')).slice(1, 3), ['UNAUTHORIZED', {}]);
  assert.deepEqual(revoked, ['ana']);
});

test('a key without the right users does nothing to a user', async (t) => {
  const { url } = await serveApi(t, { hub: connectAs });
  for (const path of ['/api/users/ana/send', '/api/users/ana/disconnect', '/api/refresh']) {
    const { status, body } = await call(url, path, { data: 1 }, { Authorization: 'Bearer news' });
    assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], path);
  }
});

test('data sent to a user arrives as the original text, and is refused when it is nested too deep', async (t) => {
  const { url, hub } = await serveApi(t, { hub: connectAs });
  const texts: string[] = [];
  const wire = {
    send: ({ text }: Outgoing) => texts.push(text) > 0,
    drained: async () => {},
    subscribe() {},
    unsubscribe() {},
  };
  const connection = hub.connect({ ...wire, close() {} });
  connection.receive('["hi",1,{"token":"ana"}]');
  await until(() => hub.users.includes('ana'), 'Ana is here');
  const send = (data: string) => call(url, '/api/users/ana/send', `{"data": ${data} }`);
  assert.deepEqual((await send('{"id": 1163456789012345678}')).body, { connections: 1 });
  assert.equal(texts.at(-1), '["to",{"id":1163456789012345678}]');
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.equal((await send(nested(63))).status, 200);
  assert.match((await send(nested(64))).body.message, /63 deep/);
  const mixed = `[{"channel":"news","data":${nested(64)}},{"channel":"news","data":${nested(63)}}]`;
  const { body } = await call(url, '/api/batch', mixed);
  assert.deepEqual([body[0].code, body[1].at[1]], ['BAD_MESSAGE', 1]);
});
