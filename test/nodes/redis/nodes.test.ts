import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../src/clock.ts';
import { RedisMembership } from '../../../src/nodes/redis/membership.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { follow, type Listening } from '../listening.ts';
import { type Node, openNode } from './several.ts';

const GROUP = 'members:chat:42';
/** Quick, but no so quick that a busy machine misses its own lease. */
const QUICK = { lease: 3_000, linger: 100, check: 200 };

const sorted = (members: Iterable<readonly [string, string]>) => [...members].map(String).sort().join(' ');
const same = (...all: Listening[]) => all.every(({ members }) => sorted(members) === sorted(all[0]!.members));

describe('who is where, on several nodes', { skip: noRedis }, () => {
  test('a member on two nodes joins once and leaves once, and both nodes are told in one order', async (t) => {
    const { address } = await startRedis(t);
    const [one, two] = [await openNode(t, address), await openNode(t, address)];
    const news: string[] = [];
    for (const [name, { nodes }] of Object.entries({ one, two }))
      nodes.membership.observe(({ member, hasJoined }) => news.push(`${name} ${hasJoined ? '+' : '-'}${member}`));
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    await there.group.hold('ana', 'a');
    await there.group.hold('luis', 'l');
    here.group.release('ana');
    await here.group.hold('eva', 'e');
    there.group.release('ana');
    await until(() => here.listening.told.length === 4 && there.listening.told.length === 4, 'both were told');
    assert.deepEqual(here.listening.told, ['+ana a', '+luis l', '+eva e', '-ana']);
    assert.deepEqual(there.listening.told, here.listening.told);
    await until(() => news.length === 4, 'the news has come');
    assert.deepEqual(news, ['one +ana', 'two +luis', 'one +eva', 'two -ana'], 'each by the node that did it');
    assert.deepEqual(await two.nodes.membership.holders(GROUP, 'eva'), [one.nodes.id]);
    assert.deepEqual(await two.nodes.membership.counts([GROUP, 'members:empty']), [2, 0]);
  });

  test('a member is shown as by the newest of its nodes, and then as by one that remains', async (t) => {
    const { address } = await startRedis(t);
    const [one, two] = [await openNode(t, address), await openNode(t, address)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'first');
    await there.group.hold('ana', 'second');
    there.group.release('ana');
    await until(() => here.listening.told.length === 3, 'the first is shown again');
    assert.deepEqual(here.listening.told, ['+ana first', '+ana second', '+ana first']);
  });

  test('a member that moves to another node is not waited for where it was', async (t) => {
    const { address } = await startRedis(t);
    const [one, two] = [await openNode(t, address), await openNode(t, address)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    const nodes = () => one.nodes.membership.holders(GROUP, 'ana');
    await here.group.hold('ana', 'a');
    here.group.waver('ana');
    await there.group.hold('ana', 'a');
    assert.deepEqual(await nodes(), [two.nodes.id]);
    await here.group.hold('ana', 'a');
    here.group.waver('ana');
    await until(async () => (await nodes()).length === 1, 'its node that has lost it has let go');
    there.group.release('ana');
    await until(() => here.listening.told.length === 2, 'it has left');
    assert.deepEqual(here.listening.told, ['+ana a', '-ana']);
  });

  test('nodes learn exactly what is stored, whatever happens at the same time, and whatever is lost', async (t) => {
    const { port } = await startRedis(t);
    const proxy = await startProxy(t, port);
    // Of the subscriptions, not of the answers to subscribing.
    proxy.loses = (_, chunk) => chunk.includes('$7\r\nmessage\r\n') && Math.random() < 0.3;
    const address = `redis://127.0.0.1:${proxy.port}`;
    const nodes = await Promise.all([1, 2, 3].map(() => openNode(t, address, QUICK)));
    let n = 0;
    const saying = fc.tuple(fc.nat(2), fc.constantFrom('hold', 'waver', 'release'), fc.nat(2), fc.nat(2));
    await fc.assert(
      fc.asyncProperty(fc.array(saying, { maxLength: 24 }), async (said) => {
        const name = `members:${++n}`;
        const all = await Promise.all(nodes.map(({ nodes }) => follow(nodes.membership, name)));
        const held = said.map(async ([at, verb, member, shown]) => {
          const { group } = all[at]!;
          if (verb === 'hold') await group.hold(`${member}`, `${shown}`);
          else if (verb === 'waver') group.waver(`${member}`);
          else group.release(`${member}`);
        });
        await Promise.all(held);
        await until(
          async () => {
            const stored = sorted(await nodes[0]!.nodes.membership.members(name));
            return all.every(({ listening }) => sorted(listening.members) === stored);
          },
          'all know what is stored',
          20_000,
        );
        for (const { group } of all) {
          for (const member of ['0', '1', '2']) group.release(member);
        }
        await until(async () => (await nodes[0]!.nodes.membership.members(name)).size === 0, 'nobody is left', 20_000);
        await until(() => all.every(({ listening }) => listening.members.size === 0), 'all were told', 20_000);
        for (const { group } of all) group.close([]);
      }),
      { numRuns: 25 },
    );
  });

  test('who came and went unheard is told by the differences, which is counted, and nothing else is', async (t) => {
    const redis = await startRedis(t);
    const proxy = await startProxy(t, redis.port);
    const one = await openNode(t, `redis://127.0.0.1:${proxy.port}`, QUICK);
    const two = await openNode(t, redis.address, QUICK);
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await there.group.hold('ana', 'a');
    await until(() => same(here.listening, there.listening), 'both know of her');
    proxy.loses = (_, chunk) => chunk.includes('$7\r\nmessage\r\n');
    await there.group.hold('luis', 'l');
    await there.group.hold('eva', 'e');
    there.group.release('luis');
    await until(() => there.listening.told.length === 4, 'luis has left');
    proxy.loses = undefined;
    await until(() => same(here.listening, there.listening), 'both know of eva');
    assert.deepEqual(there.listening.told, ['+ana a', '+luis l', '+eva e', '-luis']);
    assert.deepEqual(here.listening.told, ['+ana a', '+eva e']);
    await until(() => one.nodes.membership.repairs.get('members') === 1, 'it is counted');
    assert.deepEqual([...two.nodes.membership.repairs], []);
  });

  test('the members of a node that dies leave, and those that have moved stay', async (t) => {
    const { port } = await startRedis(t);
    const proxy = await startProxy(t, port);
    const one = await openNode(t, `redis://127.0.0.1:${proxy.port}`, QUICK);
    const two = await openNode(t, `redis://127.0.0.1:${port}`, QUICK);
    const there = await follow(two.nodes.membership, GROUP);
    const here = await follow(one.nodes.membership, GROUP);
    const news: string[] = [];
    two.nodes.membership.observe(({ group, member, hasJoined }) => {
      if (group === GROUP) news.push(`${hasJoined ? '+' : '-'}${member}`);
    });
    for (const member of ['ana', 'luis']) await here.group.hold(member, 'x');
    for (let n = 0; n < 300; n++) await (await follow(one.nodes.membership, `members:${n}`)).group.hold('ana', 'x');
    proxy.isClosed = true;
    proxy.cut();
    await there.group.hold('luis', 'x');
    await until(() => there.listening.told.includes('-ana'), 'ana has left');
    await until(
      async () =>
        (await two.nodes.membership.counts(Array.from({ length: 300 }, (_, n) => `members:${n}`))).every(
          (count) => count === 0,
        ),
      'she has left everywhere',
    );
    assert.deepEqual(there.listening.told, ['+ana x', '+luis x', '-ana']);
    assert.deepEqual(news, ['-ana'], 'by the node that took the dead one away');
    assert.deepEqual(await two.nodes.membership.holders(GROUP, 'luis'), [two.nodes.id]);
    // It comes back, and believes that its members are still there.
    const before = one.nodes.id;
    proxy.isClosed = false;
    await until(() => there.listening.members.has('ana'), 'ana is there again');
    assert.notEqual(one.nodes.id, before, 'as another node');
    await until(() => same(here.listening, there.listening), 'both know the same');
    here.group.release('ana');
    await until(() => !there.listening.members.has('ana'), 'she leaves by herself');
  });

  test('Redis that comes back empty, or that was away for long, changes nothing for those who are there', async (t) => {
    const redis = await startRedis(t);
    const [one, two] = [await openNode(t, redis.address, QUICK), await openNode(t, redis.address, QUICK)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    await there.group.hold('luis', 'l');
    await until(() => same(here.listening, there.listening), 'both know of both');
    await redis.stop();
    here.group.release('ana');
    await assert.rejects(here.group.hold('eva', 'e')!, /cannot be reached|connection was lost/);
    await redis.start();
    const stored = async () => sorted(await one.nodes.membership.members(GROUP).catch(() => []));
    await until(async () => (await stored()) === 'eva,e luis,l', 'those who are there are stored again');
    await until(() => same(here.listening, there.listening) && here.listening.members.has('eva'), 'both know it');
    const told = [...there.listening.told];
    assert.ok(!told.includes('-luis') && !told.includes('-eva'), `nobody has left who is there: ${told}`);
  });

  test('a member that is added after Redis has forgotten the node is removed like all others', async (t) => {
    const redis = await startRedis(t);
    const [one, two] = [await openNode(t, redis.address, QUICK), await openNode(t, redis.address, QUICK)];
    const there = await follow(two.nodes.membership, GROUP);
    const before = one.nodes.id;
    await redis.ask('flushall');
    one.nodes.membership.hold(GROUP, 'ana');
    await until(() => there.listening.members.has('ana'), 'ana is there');
    assert.deepEqual(await two.nodes.membership.holders(GROUP, 'ana'), [before], 'by a lease that nobody knows');
    const isSaidAgain = async () => (await two.nodes.membership.holders(GROUP, 'ana')).some((node) => node !== before);
    await until(isSaidAgain, 'it has another lease, and says again who is there');
    one.nodes.membership.letGo(GROUP, 'ana', 0);
    await until(() => !there.listening.members.has('ana'), 'ana has left');
  });

  test('a member who left right before Redis lost its end has left, although the node that held it lives', async (t) => {
    const redis = await startRedis(t);
    const [one, two] = [await openNode(t, redis.address, QUICK), await openNode(t, redis.address, QUICK)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    await here.group.hold('luis', 'l');
    await redis.ask('save');
    here.group.release('ana');
    await until(() => there.listening.told.includes('-ana'), 'ana has left');
    await redis.stop();
    await redis.start();
    const stored = async () => sorted(await two.nodes.membership.members(GROUP).catch(() => []));
    await until(async () => (await stored()) === 'luis,l', 'the store knows that too');
    await until(() => sorted(there.listening.members) === 'luis,l' && same(here.listening, there.listening), 'and all');
  });

  test('a node that has died is swept once more after a while, since a failover may have lost that it was', async (t) => {
    const redis = await startRedis(t);
    const proxy = await startProxy(t, redis.port);
    const one = await openNode(t, `redis://127.0.0.1:${proxy.port}`, QUICK);
    const two = await openNode(t, redis.address, QUICK);
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    const keys = (await redis.ask('keys', 'zocalo:*')) as string[];
    const parts = keys.filter((key) => /:held:|:who:/.test(key));
    for (const key of parts) await redis.ask('copy', key, `kept ${key}`);
    proxy.isClosed = true;
    proxy.cut();
    const living = keys.find((key) => key.endsWith(':living'))!;
    const keyOf = (name: string) => living.replace(/living$/, name);
    const dying = async () => (await redis.ask('zrange', keyOf('dying'), 0, -1)) as string[];
    await until(() => there.listening.told.includes('-ana'), 'ana has left');
    // As the replica has it that takes over, in a Cluster where the leases are elsewhere.
    const isSwept = async () => (await redis.ask('hexists', keyOf('town'), `once ${(await dying())[0]}`)) === 1;
    await until(isSwept, 'its sweeping has ended');
    for (const key of parts) await redis.ask('copy', `kept ${key}`, key, 'replace');
    await redis.ask('zadd', keyOf('dying'), 1, (await dying())[0]!); // a minute has passed
    await until(async () => (await two.nodes.membership.members(GROUP)).size === 0, 'she has left again');
    await until(async () => (await dying()).length === 0, 'and the node is forgotten');
  });

  test('a node that was stopped while Redis stood still is not swept before it had a chance', async (t) => {
    const redis = await startRedis(t);
    const times = { lease: 1_000, linger: 50, check: 100 };
    const nodes: Node[] = [await openNode(t, redis.address, times), await openNode(t, redis.address, times)];
    const here = await follow(nodes[0]!.nodes.membership, GROUP);
    const there = await follow(nodes[1]!.nodes.membership, GROUP);
    await here.group.hold('ana', 'a');
    await there.group.hold('luis', 'l');
    await until(() => same(here.listening, there.listening), 'both know of both');
    redis.signal('SIGSTOP');
    const stopped = performance.now();
    await until(() => performance.now() - stopped > 2_500, 'all leases have ended');
    redis.signal('SIGCONT');
    await here.group.hold('eva', 'e')?.catch(() => {});
    await until(() => there.listening.members.has('eva') && same(here.listening, there.listening), 'all goes on');
    for (const { listening } of [here, there])
      assert.ok(!listening.told.some((one) => one[0] === '-'), `nobody has left: ${listening.told}`);
  });

  test('what a node says after the end of its lease is refused, since nobody would ever take it back', async (t) => {
    const { address } = await startRedis(t);
    const { broker, nodes } = await openNode(t, address);
    let renewed = 0;
    const lease = { node: 'late', until: Date.now() - 60_000, renew: async () => void renewed++ };
    const late = new RedisMembership({ access: broker.access, clock: systemClock, lease, isQuiet: () => false });
    const { group } = await follow(late, GROUP);
    await assert.rejects(group.hold('ana', 'a')!, { code: 'LOG_UNREACHABLE' });
    assert.equal(renewed, 1);
    assert.equal((await nodes.membership.members(GROUP)).size, 0);
    lease.until = Date.now() + 60_000;
    late.sayAgain(false);
    await until(async () => (await nodes.membership.members(GROUP)).size === 1, 'with another lease it is stored');
  });

  test('a node that closes leaves its members for the time in which they may come back elsewhere', async (t) => {
    const { address } = await startRedis(t);
    const times = { lease: 2_000, linger: 2_000, check: 200 };
    const [one, two] = [await openNode(t, address, times), await openNode(t, address, times)];
    const here = await follow(one.nodes.membership, GROUP);
    const there = await follow(two.nodes.membership, GROUP);
    for (const member of ['ana', 'luis']) {
      await here.group.hold(member, 'x');
      here.group.waver(member);
    }
    here.group.close([
      ['ana', 2_000],
      ['luis', 2_000],
    ]);
    await one.nodes.close();
    await there.group.hold('luis', 'x');
    await until(() => there.listening.told.some((one) => one[0] === '-'), 'one has left');
    assert.deepEqual(there.listening.told, ['+ana x', '+luis x', '-ana']);
  });
});
