import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Alone, type Nodes } from '../../src/nodes/index.ts';
import { follow } from '../nodes/listening.ts';
import { openNode } from '../nodes/redis/several.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { type ClusterTown, startCluster } from '../support/redis-cluster.ts';
import { until } from '../support/until.ts';

/** The implementations of the house, each with a fresh store. */
const NODES: Readonly<Record<string, { skip: string | false; make: (t: TestContext) => Promise<Nodes> }>> = {
  alone: { skip: false, make: async () => new Alone() },
  redis: { skip: noRedis, make: async (t) => (await openNode(t, (await startRedis(t)).address)).nodes },
  'a cluster of Redis': {
    skip: noRedis,
    make: async (t) => {
      cluster ??= startCluster({ after: (end: () => unknown) => void ends.push(end) });
      return (await openNode(t, (await cluster).address, { prefix: `test:${++stores}` })).nodes;
    },
  },
};

/** One for all tests of this file: each has a prefix of its own. */
let cluster: Promise<ClusterTown> | undefined;
let stores = 0;
const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

const GROUP = 'members:chat:42';

for (const [name, { skip, make }] of Object.entries(NODES))
  describe(`the membership of ${name}`, { skip }, () => {
    test('tells of those who come, are shown otherwise and go, each once', async (t) => {
      const { membership } = await make(t);
      const { group, listening } = await follow(membership, GROUP);
      await group.hold('ana', '{"id":"ana"}');
      await group.hold('luis', '{"id":"luis"}');
      assert.deepEqual(listening.told, ['+ana {"id":"ana"}', '+luis {"id":"luis"}'], 'the promise waits for it');
      await group.hold('ana', '{"id":"ana","data":1}');
      group.release('luis');
      await until(() => listening.told.length === 4, 'all of it was told');
      assert.deepEqual(listening.told.slice(2), ['+ana {"id":"ana","data":1}', '-luis']);
    });

    test('brings the news of who comes and who goes once, with how each was shown, and none of other data', async (t) => {
      const { membership } = await make(t);
      const news: unknown[] = [];
      membership.observe(({ group, member, shown, hasJoined }) => news.push([group, member, shown, hasJoined]));
      const { group } = await follow(membership, GROUP);
      await group.hold('ana', 'a');
      await group.hold('%\x1f', '{"id":"%"}');
      await group.hold('ana', 'b');
      group.waver('ana');
      await group.hold('ana', 'b');
      group.release('ana');
      await until(() => news.length === 3, 'all of it was told');
      group.waver('%\x1f');
      group.close([['%\x1f', 10]]);
      await until(() => news.length === 4, 'the last one has gone, though nobody follows the group');
      assert.deepEqual(news, [
        [GROUP, 'ana', 'a', true],
        [GROUP, '%\x1f', '{"id":"%"}', true],
        [GROUP, 'ana', 'b', false],
        [GROUP, '%\x1f', '{"id":"%"}', false],
      ]);
    });

    test('keeps those who waver until they are released, and tells nothing when they come back', async (t) => {
      const { membership } = await make(t);
      const { group, listening } = await follow(membership, GROUP);
      await group.hold('ana', 'a');
      await group.hold('luis', 'l');
      group.waver('ana');
      await group.hold('ana', 'a');
      group.waver('luis');
      group.release('luis');
      await until(() => listening.told.length > 2, 'luis has left');
      assert.deepEqual(listening.told, ['+ana a', '+luis l', '-luis']);
    });

    test('tells a group apart from others, and takes any name for a member', async (t) => {
      const { membership } = await make(t);
      const { group, listening } = await follow(membership, GROUP);
      const other = await follow(membership, 'members:chat:43');
      const names = ['', 'v', '%', '%1f', 'a\x1fb\x1e', 'ñandú 🦙', '\0'];
      for (const member of names) await group.hold(member, 's');
      assert.deepEqual([...listening.members.keys()], names);
      for (const member of names) group.release(member);
      await until(() => listening.members.size === 0, 'they have gone');
      assert.deepEqual(other.listening.told, []);
    });

    test('tells nothing any more after it was closed, and is empty when the last has been released', async (t) => {
      const { membership } = await make(t);
      const { group, listening } = await follow(membership, GROUP);
      await group.hold('ana', 'a');
      group.waver('ana');
      group.close([['ana', 0]]);
      await until(async () => (await membership.members(GROUP)).size === 0, 'nobody is there');
      assert.deepEqual(await membership.counts([GROUP, 'members:other']), [0, 0]);
      assert.deepEqual(listening.told, ['+ana a']);
      const again = await follow(membership, GROUP);
      assert.deepEqual(again.listening.told, []);
      await again.group.hold('ana', 'a');
      assert.deepEqual(again.listening.told, ['+ana a']);
    });

    test('is what was said last of each member, whatever was said before', async (t) => {
      const { membership } = await make(t);
      let n = 0;
      const sayings = fc.array(
        fc.tuple(fc.constantFrom('hold', 'waver', 'release'), fc.nat(3).map(String), fc.nat(2).map(String)),
        { maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(sayings, async (said) => {
          const { group, listening } = await follow(membership, `members:${++n}`);
          const expected = new Map<string, string>();
          const held: (Promise<void> | undefined)[] = [];
          for (const [verb, member, shown] of said) {
            if (verb === 'hold') {
              held.push(group.hold(member, shown));
              expected.set(member, shown);
            } else if (expected.has(member) && verb === 'waver') group.waver(member);
            else if (expected.delete(member)) group.release(member);
          }
          await Promise.all(held);
          const sorted = (members: Iterable<readonly [string, string]>) => [...members].map(String).sort();
          await until(
            () => String(sorted(listening.members)) === String(sorted(expected)),
            `${sorted(expected)} are there, and not ${sorted(listening.members)}`,
            10_000,
          );
          for (const member of expected.keys()) group.release(member);
        }),
        { numRuns: 60 },
      );
    });
  });
