import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { nearestEntry } from '../../src/nearest.ts';
import { zocaloIn } from '../support/cli.ts';
import { API_KEY, configOf } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { directoryWith } from './config/support.ts';

const CHANNELS = { news: {}, 'order:*': {}, 'sensor:*:alarm': {} };

test('an HTTP publication to a channel that no entry offers is refused with the nearest entry', async (t) => {
  const { call, daemon } = await startDaemon(t, { channels: CHANNELS });
  const refusal = (channel: string, nearest: string) => ({
    code: 'NOT_OFFERED',
    message: `${channel} is not offered: it matches no entry of the key channels, of which the nearest is ${nearest}`,
  });
  for (const [channel, nearest] of [
    ['nwes', 'news'],
    ['News', 'news'],
    ['news:1', 'news'],
    ['oder:42', 'order:*'],
    ['order:', 'order:*'],
    ['sensor:7:alarms', 'sensor:*:alarm'],
    ['caht:tacos', 'chat:*'],
  ] as const) {
    const wrong = refusal(channel, nearest);
    const one = await call('POST', '/api/publish', { channel, data: 1 });
    assert.deepEqual([one.status, one.body], [404, wrong]);
    assert.deepEqual((await call('POST', '/api/publish', { channel, data: 1, keep: false })).body, wrong);
    const many = await call('POST', '/api/broadcast', { channels: ['news', channel], data: 1 });
    assert.deepEqual(Object.keys(many.body.published[0]), ['channel', 'at']);
    assert.deepEqual(many.body.published[1], { channel, ...wrong });
    const batch = await call('POST', '/api/batch', [
      { channel, data: 1 },
      { channel: 'news', data: 1 },
    ]);
    assert.deepEqual(batch.body[0], wrong);
    assert.deepEqual(Object.keys(batch.body[1]), ['at']);
    for (const path of ['history', 'presence']) {
      const { status, body } = await call('GET', `/api/${path}?channel=${encodeURIComponent(channel)}`);
      assert.deepEqual([status, body], [404, wrong], path);
    }
    assert.equal((await daemon.hub.history(channel)).head, 0, 'nothing was stored');
  }
  await daemon.reload(configOf({ channels: { ...CHANNELS, nwes: {} } }));
  assert.equal((await call('POST', '/api/publish', { channel: 'nwes', data: 1 })).status, 200);
});

test('a key learns only the names of channels that it may use', async (t) => {
  const keys = [{ name: 'shop', key: API_KEY, channels: ['nwes', 'order:*'] }];
  const { call } = await startDaemon(t, { channels: CHANNELS, api: { keys } });
  const { body } = await call('POST', '/api/publish', { channel: 'nwes', data: 1 });
  assert.match(body.message, /the nearest is order:\*$/);
});

test('without configured channels, all channels are offered', async (t) => {
  const { call } = await startDaemon(t);
  assert.equal((await call('POST', '/api/publish', { channel: 'anything:at-all', data: 1 })).status, 200);
});

test('zocalo publish says which channel is not offered, and ends with 10', async (t) => {
  const { url } = await startDaemon(t, { channels: CHANNELS });
  const cwd = directoryWith(t);
  const program = zocaloIn(cwd, ['publish', 'nwes', 'hola', '--url', url], { ZOCALO_API_KEY: API_KEY });
  assert.equal(await program.exited, 10);
  assert.match(program.stderr, /^NOT_OFFERED: nwes is not offered.*the nearest is news/);
});

test('a program may publish to any channel of its own hub, and ask whether one is offered', async (t) => {
  const hub = new Hub({ broker: memory(), channels: { 'chat:*': {} } });
  t.after(() => hub.close());
  assert.deepEqual([hub.offers('chat:1'), hub.offers('caht:1'), hub.offered], [true, false, ['chat:*']]);
  assert.equal((await hub.publish('jobs', 1))[1], 1);
});

test('the nearest entry is the one with the fewest letters to change, where a star stands for any', () => {
  const entries = ['news', 'chat:*', 'sensor:*:alarm', '*:log'];
  assert.equal(nearestEntry('neews', entries), 'news');
  assert.equal(nearestEntry('chta:something-quite-long', entries), 'chat:*');
  assert.equal(nearestEntry('sensor:1:alrm', entries), 'sensor:*:alarm');
  assert.equal(nearestEntry('machine:3:lag', entries), '*:log');
  assert.equal(nearestEntry('x', []), undefined);
});
