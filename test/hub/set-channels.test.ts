import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

test('new options apply to later requests, and existing subscriptions stay', async () => {
  const { hub, guest } = await square({ channels: { 'chat:*': { publish: false }, news: {} } });
  const ana = await guest();
  await ana.ask('sub', 'chat:42');
  await ana.ask('sub', 'news');
  assert.equal(await ana.ask('pub', 'chat:42', 'hola'), 'FORBIDDEN');
  hub.setChannels({ 'chat:*': { maxData: 10 } });
  ana.take();
  await ana.ask('pub', 'chat:42', 'hola');
  assert.deepEqual(ana.publications(), [[1, 'hola']]);
  assert.equal(await ana.ask('pub', 'chat:42', 'hola a todos'), 'TOO_LARGE');
  assert.equal(await ana.ask('pub', 'news', 'hola'), 'FORBIDDEN');
  await hub.publish('news', 'still heard');
  await settle();
  assert.equal(ana.publications().length, 1);
});

test('a new rate applies to a connection that has published before', async () => {
  const { hub, guest } = await square({ channels: { news: { rate: 1 } } });
  const ana = await guest();
  for (let n = 0; n < 2; n++) assert.equal(typeof (await ana.ask('pub', 'news', n)), 'object');
  assert.equal(await ana.ask('pub', 'news', 2), 'RATE_LIMITED');
  hub.setChannels({ news: { rate: 2 } });
  for (let n = 0; n < 4; n++) assert.equal(typeof (await ana.ask('pub', 'news', n)), 'object', `publication ${n}`);
  assert.equal(await ana.ask('pub', 'news', 4), 'RATE_LIMITED');
});

test('invalid options change nothing', async () => {
  const { hub, guest } = await square({ channels: { 'chat:*': {} } });
  const ana = await guest();
  assert.throws(() => hub.setChannels({ 'chat:*': { publish: false }, 'no channel': {} }), { code: 'BAD_OPTION' });
  assert.throws(() => hub.setChannels({ 'chat:*': { history: { ttl: 'soon' } } }), { code: 'BAD_OPTION' });
  assert.equal(await ana.publish('chat:42', 'hola'), 1);
});

test('a subscribed pattern continues under new options of its entry', async () => {
  const { hub, guest } = await square({ channels: { 'sensor:*': { patterns: true } } });
  const ana = await guest();
  assert.deepEqual(await ana.ask('sub', 'sensor:*'), {});
  await hub.publish('sensor:a', 1);
  hub.setChannels({ 'sensor:*': { patterns: true, maxData: 5 } });
  await hub.publish('sensor:b', 2);
  await settle();
  assert.deepEqual(
    ana.publications().map((publication) => (publication as unknown[])[1]),
    [1, 2],
  );
  await assert.rejects(hub.publish('sensor:b', 'too long'), { code: 'TOO_LARGE' });
});

test('a pattern continues for its readers when new subscriptions are refused', async () => {
  const { hub, guest } = await square({ channels: { 'sensor:*': { patterns: true } } });
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', 'sensor:*');
  hub.setChannels({ 'sensor:*': {} });
  assert.equal(await luis.ask('sub', 'sensor:*'), 'NOT_OFFERED');
  await hub.publish('sensor:a', 1);
  assert.deepEqual(ana.publications(), [[1, 1]]);
  hub.setChannels({ '*': { patterns: true } });
  assert.equal(await luis.ask('sub', 'sensor:*'), 'UNAVAILABLE');
  await ana.ask('un', 'sensor:*');
  assert.deepEqual(await luis.ask('sub', 'sensor:*'), {});
  await hub.publish('sensor:b', 2);
  assert.deepEqual(luis.publications(), [[1, 2]]);
});
