import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ADMIN_KEY, API_KEY, type ConfigInput } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { HubPeer } from './hub-peer.ts';

const OWN = 'zocalo:admin';
const SECRET = 's'.repeat(32);
const NARROW = 'n'.repeat(40);
/** As open as a configuration can be. */
const OPEN: ConfigInput = {
  secret: SECRET,
  channels: { '*': { subscribe: 'everyone', publish: 'everyone', presence: true, patterns: true } },
};

/** What the admin's page hears, while somebody looks. */
async function look(from: Awaited<ReturnType<typeof startDaemon>>, channel = OWN) {
  const { body } = await from.call('POST', '/admin/session', undefined, ADMIN_KEY);
  const subscription = from.client({ token: () => body.token }).subscribe(channel);
  await new Promise((resolve) => subscription.on('live', resolve));
  return subscription;
}

test("no API key reaches the daemon's own channels by a star, not even one that can admin", async (t) => {
  const daemon = await startDaemon(t, OPEN);
  const { call } = daemon;
  await look(daemon);
  for (const key of [API_KEY, ADMIN_KEY]) {
    const publication = { channel: OWN, data: { sample: 'made up' } };
    assert.equal((await call('POST', '/api/publish', publication, key)).body.code, 'FORBIDDEN');
    assert.equal((await call('POST', '/api/publish', { ...publication, keep: false }, key)).body.code, 'FORBIDDEN');
    assert.equal((await call('POST', '/api/broadcast', { channels: [OWN], data: 1 }, key)).body.code, 'FORBIDDEN');
    assert.equal((await call('POST', '/api/batch', [publication], key)).body[0].code, 'FORBIDDEN');
    for (const what of ['history', 'presence'])
      assert.equal((await call('GET', `/api/${what}?channel=${OWN}`, undefined, key)).body.code, 'FORBIDDEN', what);
    const { channels } = (await call('GET', '/api/channels?pattern=zocalo:*', undefined, key)).body;
    assert.deepEqual(channels, []);
  }
});

test('an API key for one channel reaches no other, in any part of a batch', async (t) => {
  const key = { name: 'narrow', key: NARROW, can: ['publish' as const, 'read' as const], channels: ['news'] };
  const { call } = await startDaemon(t, { ...OPEN, api: { keys: [key] } });
  for (const channel of ['secrets', 'news:2', 'News', OWN])
    assert.equal((await call('POST', '/api/publish', { channel, data: 1 }, NARROW)).body.code, 'FORBIDDEN', channel);
  const parts = [
    { channel: 'secrets', data: 1 },
    { channel: 'news', data: 1 },
  ];
  const { body } = await call('POST', '/api/batch', parts, NARROW);
  assert.deepEqual([body[0].code, typeof body[1].at], ['FORBIDDEN', 'object']);
  const { body: broadcast } = await call('POST', '/api/broadcast', { channels: ['news', 'secrets'], data: 1 }, NARROW);
  assert.equal(broadcast.code, 'FORBIDDEN');
  assert.equal((await call('GET', '/api/history?channel=secrets', undefined, NARROW)).body.code, 'FORBIDDEN');
  assert.equal((await call('POST', '/api/users/ana/revoke', {}, NARROW)).body.code, 'FORBIDDEN');
});

test("no star in a token, a pattern or an event stream covers the daemon's own channels", async (t) => {
  const daemon = await startDaemon(t, OPEN);
  await look(daemon);
  const token = await daemon.daemon.auth.mint({ user: 'eve', rights: { subscribe: ['*', 'z*'], publish: ['*'] } });
  const eve = await HubPeer.join(t, daemon.url.replace('http', 'ws'), { token });
  for (const pattern of ['*', 'z*']) assert.deepEqual(await eve.ask('sub', pattern), {});
  for (const own of [OWN, 'zocalo:*', 'zocalo:watch:*']) assert.equal(await eve.ask('sub', own), 'FORBIDDEN', own);
  assert.equal(await eve.ask('pub', OWN, 1), 'FORBIDDEN');
  const streamed = await fetch(`${daemon.url}/sse?channel=${OWN}&token=${token}`);
  assert.equal(streamed.status, 403);
  // The page's news come each second: when they have come, all the others were heard before `news`.
  const news = await look(daemon);
  await news[Symbol.asyncIterator]().next();
  await daemon.call('POST', '/api/publish', { channel: 'news', data: 1 });
  // A channel is introduced when something first comes in it.
  assert.equal((await eve.until('ch'))[2], 'news');
});

test("a webhook for all channels gets no events of the daemon's own", async (t) => {
  const told = Promise.withResolvers<string>();
  const receiver = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.end();
    if (text.includes('"news"')) told.resolve(text);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => receiver.once('listening', resolve));
  t.after(() => receiver.close());
  const { port } = receiver.address() as { port: number };
  const daemon = await startDaemon(t, {
    ...OPEN,
    webhooks: [{ url: `http://127.0.0.1:${port}`, secret: SECRET, events: ['occupied', 'published'], debounce: 0 }],
  });
  await look(daemon);
  assert.equal((await fetch(`${daemon.url}/health`)).status, 200);
  await daemon.call('POST', '/api/publish', { channel: 'news', data: 1 });
  assert.doesNotMatch(await told.promise, /zocalo:/);
});
