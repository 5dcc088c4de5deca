import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../src/errors.ts';
import { Alone } from '../../src/nodes/index.ts';
import { settle } from '../support/turn.ts';
import { square } from './fake-wire.ts';

const USERS = { connect: ({ token }: { token: string | undefined }) => (token ? { user: token } : {}) };
const numbered = (count: number) => Array.from({ length: count }, (_, n) => String(n).padStart(4, '0'));

test('users and connections come in pages of a hundred, and the next page begins after the last of this one', async () => {
  const { hub, guest } = await square(USERS);
  const names = numbered(101);
  for (const name of names) await guest({ token: name });
  const first = await hub.cluster.users();
  assert.deepEqual([first.users.map(({ id }) => id), first.next], [names.slice(0, 100), '0099']);
  const second = await hub.cluster.users({ after: '0099' });
  assert.deepEqual([second.users.map(({ id }) => id), second.next], [['0100'], undefined]);
  const { connections, next } = await hub.cluster.connections();
  assert.equal(connections.length, 100);
  assert.deepEqual((await hub.cluster.connections({ after: next! })).connections.length, 1);
});

test('more channels than a node names at once are listed completely, in order, with their subscribers', async () => {
  const { hub, guest } = await square({ limits: { subscriptions: 2_000, requests: Infinity } });
  const names = numbered(1_001);
  const [ana, luis] = [await guest(), await guest()];
  for (const [at, name] of names.entries()) {
    ana.say(['sub', at + 1, name, {}]);
    if (at % 100 === 0) await settle();
  }
  await settle();
  await luis.ask('sub', '1000');
  const { channels, next } = await hub.cluster.channels({ limit: 1_001 });
  assert.deepEqual([channels.map(({ channel }) => channel), next], [names, undefined]);
  assert.deepEqual(
    channels.slice(-2).map(({ subscribers }) => subscribers),
    [1, 2],
  );
});

/** A store of members that can be away: what it is told then is not stored. */
class Absent extends Alone {
  isAway = false;

  constructor() {
    super();
    const { membership } = this;
    const { follow } = membership;
    membership.follow = (name, listener) => {
      const group = follow(name, listener);
      const { hold } = group;
      group.hold = (member, shown) => {
        if (this.isAway) return Promise.reject(new ZocaloError('LOG_UNREACHABLE', 'Redis cannot be reached'));
        return hold.call(group, member, shown);
      };
      return group;
    };
  }
}

test('a member who could not be stored has not joined, and takes no place among the members', async () => {
  const nodes = new Absent();
  const { guest, hub } = await square({
    ...USERS,
    nodes,
    channels: { '*': { presence: true } },
    // Room for one member: each takes 256 bytes and its characters, twice.
    limits: { members: 500 },
  });
  const [ana, luis] = [await guest({ token: 'ana' }), await guest({ token: 'luis' })];
  await luis.subscribe('a');
  nodes.isAway = true;
  for (let times = 0; times < 3; times++) assert.equal(await ana.ask('sub', 'a', { member: 'ana' }), 'UNAVAILABLE');
  nodes.isAway = false;
  assert.equal(hub.presence('a').count, 0);
  assert.equal(await luis.ask('set', 'a', { member: 'luis' }), null);
  assert.equal(hub.presence('a').count, 1);
});
