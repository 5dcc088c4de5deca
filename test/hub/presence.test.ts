import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Presence, ServerMessage, Subscribed } from '../../src/protocol/index.ts';
import { type Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';
const WITH_USERS = { connect: ({ token }: { token: string | undefined }) => (token ? { user: token } : {}) };
const PRESENCE = { ...WITH_USERS, channels: { '*': { presence: true } }, linger: 5_000 };

/** The lines about presence. */
const news = (guest: Guest): ServerMessage[] => guest.take().filter(([verb]) => ['+', '-', 'n'].includes(`${verb}`));

test('a member with several tabs has the data of the newest, and after its end that of a remaining one', async () => {
  const { clock, guest } = await square(PRESENCE);
  const ana = await guest();
  const { ch } = (await ana.ask('sub', CHANNEL, { presence: true })) as Subscribed;
  const tabs: Guest[] = [];
  for (const data of ['first', 'second', 'third']) {
    const tab = await guest({ token: 'luis' });
    await tab.ask('sub', CHANNEL, { member: data });
    tabs.push(tab);
  }
  const shown = (data: string) => ['+', ch, { id: 'luis', data }];
  assert.deepEqual(news(ana), [shown('first'), shown('second'), shown('third')]);
  await tabs[1]!.ask('un', CHANNEL);
  assert.deepEqual(news(ana), [], 'another is shown');
  tabs[2]!.connection.lost();
  assert.deepEqual(news(ana), [], 'it may come back');
  clock.advance(5_000);
  assert.deepEqual(news(ana), [shown('first')]);
  await tabs[0]!.ask('un', CHANNEL);
  assert.deepEqual(news(ana), [['-', ch, 'luis']]);
});

test('a returning member replaces the lost connection, whose data does not reappear', async () => {
  const { hub, clock, guest } = await square(PRESENCE);
  const [first, second] = [await guest({ token: 'luis' }), await guest({ token: 'luis' })];
  await first.ask('sub', CHANNEL, { member: 'old' });
  first.connection.lost();
  await second.ask('sub', CHANNEL, { member: 'new' });
  clock.advance(5_000);
  assert.deepEqual(hub.presence(CHANNEL).members, [{ id: 'luis', data: 'new' }]);
  await second.ask('un', CHANNEL);
  assert.equal(hub.presence(CHANNEL).count, 0);
});

test('a member whose data is too large is refused before the data is sent to anyone', async () => {
  const { hub, guest } = await square({
    channels: { '*': { presence: true }, 'small:*': { presence: true, maxMember: 5 } },
  });
  const [ana, luis] = [await guest(), await guest()];
  await ana.ask('sub', CHANNEL, { presence: true });
  assert.equal(await luis.ask('sub', CHANNEL, { member: 'x'.repeat(2_047) }), 'TOO_LARGE');
  assert.equal(await luis.ask('sub', CHANNEL, { member: 'é'.repeat(1_024) }), 'TOO_LARGE', 'bytes count');
  assert.equal(await luis.ask('sub', 'small:1', { member: 'four' }), 'TOO_LARGE');
  assert.deepEqual(news(ana), []);
  assert.equal(hub.subscribers(CHANNEL), 1);
  assert.equal(((await luis.ask('sub', CHANNEL, { member: 'x'.repeat(2_046) })) as Subscribed).offset, 0);
  assert.deepEqual(((await luis.ask('sub', 'small:1', { member: 123 })) as Subscribed).offset, 0);
});

test('a member list that grew too large becomes a count, and a list again when it has halved', async () => {
  const { hub, clock, guest } = await square({ channels: { '*': { presence: true, maxMembers: 1_000 } } });
  const ana = await guest();
  const { ch } = (await ana.ask('sub', CHANNEL, { presence: true })) as Subscribed;
  const others: Guest[] = [];
  while (hub.presence(CHANNEL).members) {
    assert.ok(others.length < 1_000, 'it is still a list');
    const other = await guest();
    await other.ask('sub', CHANNEL, { member: 'x' });
    others.push(other);
  }
  assert.equal(news(ana).length, others.length - 1, 'the last one made it a count');
  clock.advance(1_000);
  assert.deepEqual(news(ana), [['n', ch, others.length]]);
  const late = await guest();
  const answer = (await late.ask('sub', CHANNEL, { presence: true })) as Subscribed;
  assert.deepEqual([answer.members, answer.count], [undefined, others.length]);
  assert.deepEqual(await late.ask('get', 'presence', CHANNEL), { count: others.length });
  while (!hub.presence(CHANNEL).members) await others.pop()!.ask('un', CHANNEL);
  const { members, count } = hub.presence(CHANNEL) as Required<Presence>;
  assert.ok(JSON.stringify(members).length <= 500, 'not at the very size from which on it was too large');
  for (const one of [ana, late]) {
    const list = news(one);
    assert.deepEqual(
      list,
      members.map((member) => ['+', ch, member]),
    );
  }
  clock.advance(10_000);
  assert.deepEqual(news(ana), [], 'no count comes late');
  assert.equal(count, others.length);
});

test('the members of one address use limited memory, and other addresses are not affected', async () => {
  const { hub, guest } = await square({ ...PRESENCE, limits: { members: 2_000, errors: 1_000 } });
  const from = async (address: string) => {
    const one = await guest();
    Object.assign(one.wire, { remoteAddress: address });
    return one;
  };
  const taken: [Guest, string][] = [];
  const fill = async (address: string) => {
    for (let n = 0; ; n++) {
      const one = await from(address);
      const before = hub.subscribers(`chat:${n}`);
      if ((await one.ask('sub', `chat:${n}`, { member: 'x'.repeat(100) })) === 'TOO_LARGE') {
        assert.equal(hub.subscribers(`chat:${n}`), before, 'nothing is left of what was refused');
        return n;
      }
      taken.push([one, `chat:${n}`]);
    }
  };
  const count = await fill('192.0.2.1');
  assert.ok(count > 1 && count < 8, `${count} members`);
  assert.equal(await fill('192.0.2.1'), 0);
  const other = await from('192.0.2.2');
  assert.equal(((await other.ask('sub', 'other', { member: 'x' })) as Subscribed).offset, 0);
  for (const [one, channel] of taken) await one.ask('un', channel);
  assert.equal(await fill('192.0.2.1'), count, 'what they gave back can be taken again');
});

test('an observer is told who joins and who leaves, with who it was, and nothing of tabs and short losses', async () => {
  const { hub, clock, guest } = await square(PRESENCE);
  const told: unknown[] = [];
  const times: number[] = [];
  hub.observe({
    onJoin: ({ time, ...who }) => told.push(['join', who]) && times.push(time),
    onLeave: ({ time, ...who }) => told.push(['leave', who]) && times.push(time),
  });
  const luis = { channel: CHANNEL, id: 'luis', data: 'first' };
  const tab = await guest({ token: 'luis' });
  await tab.ask('sub', CHANNEL, { member: 'first' });
  const other = await guest({ token: 'luis' });
  await other.ask('sub', CHANNEL, { member: 'second' });
  await other.ask('un', CHANNEL);
  assert.deepEqual(told.splice(0), [['join', luis]]);
  // Nobody is subscribed while they are away.
  tab.connection.lost();
  clock.advance(4_999);
  const back = await guest({ token: 'luis' });
  await back.ask('sub', CHANNEL, { member: 'first' });
  clock.advance(5_000);
  assert.deepEqual(told, []);
  back.connection.lost();
  clock.advance(4_999);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told.splice(0), [['leave', luis]]);
  const again = await guest({ token: 'luis' });
  await again.ask('sub', CHANNEL, { member: 'first' });
  await again.ask('un', CHANNEL);
  assert.deepEqual(told, [
    ['join', luis],
    ['leave', luis],
  ]);
  assert.ok(times.every((time) => Math.abs(time - Date.now()) < 3_600_000));
});
