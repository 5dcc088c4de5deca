import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

const OPTIONS = {
  channels: { '*': { presence: true }, locked: { subscribe: false, publish: false } },
  connect: () => ({
    user: 'ana',
    rights: { subscribe: ['chat:*', 'locked'], publish: ['chat:42', 'locked'], presence: ['chat:42'] },
  }),
};

test('rights limit what a user may do, for each action', async () => {
  const { guest } = await square(OPTIONS);
  const ana = await guest();
  assert.equal(await ana.subscribe('chat:1'), 0);
  assert.equal(await ana.ask('sub', 'news'), 'FORBIDDEN');
  assert.equal(await ana.ask('sub', 'chat:2', { presence: true }), 'FORBIDDEN');
  assert.equal(await ana.subscribe('chat:42', { presence: true }), 0);
  assert.equal(await ana.ask('pub', 'chat:1', 'hola'), 'FORBIDDEN');
  assert.equal(await ana.publish('chat:42', 'hola'), 1);
  assert.equal(await ana.ask('get', 'presence', 'chat:1'), 'FORBIDDEN');
  assert.partialDeepStrictEqual(await ana.ask('get', 'history', 'chat:1'), { head: 0, entries: [] });
});

test("rights do not open what the channel's options close", async () => {
  const { guest } = await square(OPTIONS);
  const ana = await guest();
  assert.equal(await ana.ask('sub', 'locked'), 'FORBIDDEN');
  assert.equal(await ana.ask('pub', 'locked', 1), 'FORBIDDEN');
});

test('a channel can be limited to users whose rights name it', async () => {
  const { guest } = await square({
    channels: { '*': { subscribe: (who, channel) => who.isGranted('subscribe', channel) } },
    connect: ({ token }) => (token ? { rights: { subscribe: [token] } } : {}),
  });
  assert.equal(await (await guest()).ask('sub', 'chat:42'), 'FORBIDDEN');
  assert.equal(await (await guest({ token: 'news' })).ask('sub', 'chat:42'), 'FORBIDDEN');
  assert.equal(await (await guest({ token: 'chat:*' })).subscribe('chat:42'), 0);
});

for (const [pattern, isGranted] of Object.entries({
  '*': false,
  'z*': false,
  'zocalo*': false,
  '*:admin': false,
  'zocalo:*': true,
}))
  test(`${pattern} in a user's rights ${isGranted ? 'grants' : 'does not grant'} the daemon's own channels`, async () => {
    const { guest } = await square({
      channels: { 'zocalo:*': { subscribe: (who, channel) => who.isGranted('subscribe', channel) } },
      connect: () => ({ rights: { subscribe: [pattern] } }),
    });
    assert.equal(await (await guest()).subscribe('zocalo:admin'), isGranted ? 0 : 'FORBIDDEN');
  });

test("no options that begin with a star apply to the daemon's own channels, however specific they are", async () => {
  const { guest } = await square({
    channels: {
      '*:watch:channel:*': { patterns: true },
      'zocalo:*': { subscribe: (who, channel) => who.isGranted('subscribe', channel) },
    },
  });
  const ana = await guest();
  assert.equal(await ana.ask('sub', 'zocalo:watch:channel:news'), 'FORBIDDEN');
  assert.equal(await ana.ask('get', 'history', 'zocalo:watch:channel:news'), 'FORBIDDEN');
  assert.equal(await ana.subscribe('birds:watch:channel:news'), 0);
});

test("nobody may use the daemon's own channels where no options name them", async () => {
  const { guest } = await square({ channels: { '*': {} } });
  const ana = await guest();
  assert.equal(await ana.ask('sub', 'zocalo:admin'), 'FORBIDDEN');
  assert.equal(await ana.ask('pub', 'zocalo:admin', 1), 'FORBIDDEN');
});

test('a renewed token has its own rights', async () => {
  const { guest } = await square({
    connect: ({ token }) => ({ user: 'ana', rights: { publish: token === undefined ? [] : [token] } }),
  });
  const ana = await guest();
  assert.equal(await ana.ask('pub', 'news', 1), 'FORBIDDEN');
  await ana.ask('auth', 'news');
  assert.equal(await ana.publish('news', 1), 1);
});

test('an observer is told of connections, publications, refusals and disconnections', async () => {
  const { hub, guest } = await square(OPTIONS);
  const heard: unknown[] = [];
  const stop = hub.observe({
    onConnect: ({ user }) => heard.push(['connect', user]),
    onOnline: (user) => heard.push(['online', user]),
    onOccupied: (channel) => heard.push(['occupied', channel]),
    onPublished: ({ channel, data, position, user }) => heard.push(['published', channel, data, position?.[1], user]),
    onDelivered: (receivers) => heard.push(['delivered', receivers]),
    onRefused: (_, code) => heard.push(['refused', code]),
    onVacated: (channel) => heard.push(['vacated', channel]),
    onOffline: (user) => heard.push(['offline', user]),
    onDisconnect: ({ user }) => heard.push(['disconnect', user]),
  });
  const ana = await guest();
  await ana.ask('sub', 'chat:42');
  await ana.ask('pub', 'chat:42', 'hola', { key: 'k' });
  await ana.ask('pub', 'chat:42', 'hola', { key: 'k' }); // a repetition is no news
  await ana.ask('pub', 'chat:1', 'hola');
  ana.connection.lost();
  await settle();
  stop();
  await guest();
  assert.deepEqual(heard, [
    ['connect', 'ana'],
    ['online', 'ana'],
    ['occupied', 'chat:42'],
    ['delivered', 1],
    ['published', 'chat:42', '"hola"', 1, 'ana'],
    ['refused', 'FORBIDDEN'],
    ['vacated', 'chat:42'],
    ['disconnect', 'ana'],
    ['offline', 'ana'],
  ]);
});

test('an observer that throws is reported and affects nobody', async () => {
  const { hub, guest, errors } = await square();
  hub.observe({
    onConnect() {
      throw new Error('broken');
    },
  });
  const ana = await guest();
  assert.equal(await ana.publish('chat:42', 'hola'), 1);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['HOOK_FAILED'],
  );
});
