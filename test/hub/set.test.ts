import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Presence, ServerMessage, Subscribed } from '../../src/protocol/index.ts';
import { type Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';
const PRESENCE = { channels: { '*': { presence: true, maxMember: 20 }, plain: {} }, linger: 5_000 };

/** The lines about presence. */
const news = (guest: Guest): ServerMessage[] => guest.take().filter(([verb]) => ['+', '-', 'n'].includes(`${verb}`));

test('a member changes its data in place: the others see one change, and nobody leaves', async () => {
  const { hub, guest } = await square(PRESENCE);
  const [ana, luis] = [await guest(), await guest()];
  const { ch } = (await ana.ask('sub', CHANNEL, { presence: true })) as Subscribed;
  await luis.ask('sub', CHANNEL, { member: 'here' });
  const [[, , { id }]] = news(ana) as [['+', number, { id: string }]];
  assert.equal(await luis.ask('set', CHANNEL, { member: 'away' }), null);
  assert.deepEqual(news(ana), [['+', ch, { id, data: 'away' }]]);
  assert.deepEqual(hub.presence(CHANNEL).members, [{ id, data: 'away' }]);
  await luis.ask('un', CHANNEL);
  assert.deepEqual([news(ana), hub.presence(CHANNEL).count], [[['-', ch, id]], 0]);
});

test('a subscriber becomes a member later, sees who is there, and stops both, without a new subscription', async () => {
  const { hub, guest } = await square(PRESENCE);
  const [ana, luis] = [await guest(), await guest()];
  const { ch } = (await ana.ask('sub', CHANNEL)) as Subscribed;
  await luis.ask('sub', CHANNEL, { member: 'Luis' });
  assert.deepEqual(news(ana), []);
  const picture = (await ana.ask('set', CHANNEL, { presence: true, member: 'Ana' })) as Presence;
  assert.deepEqual(
    picture.members?.map(({ data }) => data),
    ['Luis', 'Ana'],
  );
  ana.take();
  await luis.ask('un', CHANNEL);
  assert.deepEqual(
    news(ana).map(([verb]) => verb),
    ['-'],
  );
  assert.equal(await ana.ask('set', CHANNEL, { leave: true }), null);
  assert.deepEqual([news(ana).map(([verb]) => verb), hub.presence(CHANNEL).count], [['-'], 0]);
  await ana.ask('set', CHANNEL, { presence: false });
  await luis.ask('sub', CHANNEL, { member: 'Luis' });
  assert.deepEqual(news(ana), []);
  await hub.publish(CHANNEL, 'it goes on');
  assert.deepEqual(ana.publications(), [[1, 'it goes on']]);
  assert.equal(typeof ch, 'number');
});

test('data changed a thousand times takes no more of the memory for members than once', async () => {
  const { hub, guest } = await square({ ...PRESENCE, limits: { members: 2_000 } });
  const ana = await guest();
  await ana.ask('sub', CHANNEL, { member: 0 });
  for (let count = 1; count <= 1_000; count++) assert.equal(await ana.ask('set', CHANNEL, { member: count }), null);
  assert.deepEqual(
    hub.presence(CHANNEL).members?.map(({ data }) => data),
    [1_000],
  );
});

test('a change is refused as a subscription would be, and changes nothing', async () => {
  const { hub, guest } = await square({
    channels: {
      ...PRESENCE.channels,
      'mine:*': { presence: true, subscribe: (_who, _channel, { member }) => member !== 'root' },
    },
  });
  const ana = await guest();
  assert.equal(await ana.ask('set', CHANNEL, { member: 1 }), 'NOT_SUBSCRIBED');
  await ana.ask('sub', CHANNEL, { member: 'as it was' });
  assert.equal(await ana.ask('set', CHANNEL, { member: 'x'.repeat(40) }), 'TOO_LARGE');
  assert.equal(await ana.ask('set', CHANNEL, { presence: 1 }), 'BAD_MESSAGE');
  await ana.ask('sub', 'mine:1', { member: 'ana' });
  assert.equal(await ana.ask('set', 'mine:1', { member: 'root' }), 'FORBIDDEN');
  await ana.ask('sub', 'plain');
  assert.equal(await ana.ask('set', 'plain', { member: 1 }), 'NOT_OFFERED');
  assert.deepEqual(
    [CHANNEL, 'mine:1'].map((name) => hub.presence(name).members?.map(({ data }) => data)),
    [['as it was'], ['ana']],
  );
});

test('the answer to a subscription says where the log ends, where it starts earlier', async () => {
  const { hub, guest } = await square({ channels: { '*': { history: { size: 100 } } } });
  for (let count = 1; count <= 5; count++) await hub.publish(CHANNEL, count);
  const { epoch } = await hub.history(CHANNEL);
  const answers = [];
  for (const options of [{}, { recent: 2 }, { at: [epoch, 1] }, { at: ['other', 1] }])
    answers.push((await (await guest()).ask('sub', CHANNEL, options)) as Subscribed);
  assert.deepEqual(
    answers.map(({ offset, head }) => [offset, head]),
    [
      [5, undefined],
      [3, 5],
      [1, 5],
      [5, undefined],
    ],
  );
});
