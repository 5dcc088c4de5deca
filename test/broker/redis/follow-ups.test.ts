import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { RedisBroker, Unfinished } from '../../../src/broker/index.ts';
import { followUpsIn, Keys } from '../../../src/broker/redis/keys.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';
import { openBroker } from './several.ts';

const START = 1_700_000_000_000;

/** A wall clock in a box, which all brokers of a test share. */
const settingOf = () => {
  const wall = { time: START };
  return { wall, now: () => wall.time };
};

const textOf = ({ channel, position, entry }: Unfinished) => `${channel} ${position[1]} ${entry?.data ?? 'gone'}`;

/** What is left undone, and now is done. */
async function finished(broker: RedisBroker, age = 0): Promise<string[]> {
  const all: string[] = [];
  await broker.followUps.finish(age, async (some) => void all.push(...some.map(textOf)));
  return all;
}

async function openTwo(t: TestContext, address: string) {
  const { wall, now } = settingOf();
  return { wall, one: await openBroker(t, address, { now }), two: await openBroker(t, address, { now }) };
}

const needed = (data: string) => ({ data, needsFollowUp: true });

for (const [name, start] of [
  ['Redis', startRedis],
  ['Redis Cluster', startCluster],
] as const)
  describe(`publications that need a follow-up, in ${name}`, { skip: noRedis }, () => {
    test('are remembered until it is done, by whomever', async (t) => {
      const { address } = await start(t);
      const { wall, one, two } = await openTwo(t, address);
      const channels = Array.from({ length: 20 }, (_, n) => `a channel:${n}`);
      for (const channel of channels) {
        await one.publish(channel, { data: '"not this"' });
        await Promise.all(['1', '2', '3'].map((data) => one.publish(channel, needed(data))));
      }
      const position = async (offset: number) => [(await one.state('a channel:7')).epoch, offset] as [string, number];
      await one.followUps.done([{ channel: 'a channel:7', position: await position(3) }]);
      await one.followUps.done([{ channel: 'nobody knows it', position: await position(3) }]);
      assert.deepEqual(await finished(two, 1), [], 'they are not old enough');
      wall.time += 10;
      const expected = channels.flatMap((channel) => [2, 3, 4].map((at) => `${channel} ${at} ${at - 1}`));
      assert.deepEqual(
        (await finished(two, 10)).toSorted(),
        expected.filter((text) => text !== 'a channel:7 3 2').toSorted(),
      );
      assert.deepEqual(await finished(two), []);
    });
  });

describe('publications that need a follow-up', { skip: noRedis }, () => {
  test('are found in the order of their offsets, many of them too, and stay when the work fails', async (t) => {
    const { address } = await startRedis(t);
    const { one, two } = await openTwo(t, address);
    const count = 700;
    await Promise.all(Array.from({ length: count }, (_, n) => one.publish('a', needed(`${n + 1}`))));
    await one.publish('b', needed('1'));
    let fails = true;
    const all: string[] = [];
    const work = async (some: readonly Unfinished[]) => {
      if (fails && some[0]!.channel === 'a') throw new Error('the work fails');
      all.push(...some.map(textOf));
    };
    await assert.rejects(two.followUps.finish(0, work), /the work fails/);
    assert.deepEqual(all.splice(0), ['b 1 1'], 'the others are done');
    fails = false;
    await two.followUps.finish(0, work);
    assert.deepEqual(
      all,
      Array.from({ length: count }, (_, n) => `a ${n + 1} ${n + 1}`),
    );
    assert.deepEqual(await finished(one), []);
  });

  test('are remembered once when they are repeated, and not when they are refused', async (t) => {
    const { address } = await startRedis(t);
    const { one, two } = await openTwo(t, address);
    const first = await one.publish('a', { ...needed('1'), key: 'k' });
    await one.followUps.done([{ channel: 'a', ...first }]);
    assert.equal((await two.publish('a', { ...needed('1'), key: 'k' })).duplicate, true);
    await assert.rejects(two.publish('a', { ...needed('2'), key: 'k' }), { code: 'KEY_REUSED' });
    assert.deepEqual(await finished(two), []);
  });

  test('have no entry when the log has it no more', async (t) => {
    const { address } = await startRedis(t);
    const { one, two } = await openTwo(t, address);
    const publish = (channel: string, size: number) => (n: number) =>
      one.publish(channel, { ...needed(`${n}`), keep: { size, ttl: 1e9 } });
    await Promise.all([1, 2, 3].map(publish('none', 0)));
    await Promise.all([1, 2, 3].map(publish('two', 2)));
    await one.publish('forgotten', needed('1'));
    await one.forget('forgotten');
    await one.publish('forgotten', { data: '"of another log"' });
    assert.deepEqual((await finished(two)).toSorted(), [
      'forgotten 1 gone',
      'none 1 gone',
      'none 2 gone',
      'none 3 gone',
      'two 1 gone',
      'two 2 2',
      'two 3 3',
    ]);
  });

  test('have the position under which they were published, when the log goes on under another epoch', async (t) => {
    const redis = await startRedis(t, ['--appendonly', 'yes']);
    const { one, two } = await openTwo(t, redis.address);
    const { position } = await one.publish('a', needed('1'));
    await redis.stop('SIGTERM');
    await redis.start();
    const isBack = () =>
      one.publish('a', needed('2')).then(
        ({ position: [epoch] }) => epoch !== position[0],
        () => false,
      );
    await until(isBack, 'it is published under another epoch');
    const all: Unfinished[] = [];
    const finish = () => two.followUps.finish(0, async (some) => void all.push(...some));
    await until(
      () =>
        finish().then(
          () => true,
          () => false,
        ),
      'the other one is connected again',
    );
    const old = all.filter(({ position: [epoch] }) => epoch === position[0]);
    assert.deepEqual(old.map(textOf), ['a 1 1']);
    assert.ok(all.some((one) => textOf(one) === 'a 2 2'));
  });

  test('are found when the clock of their process was wrong', async (t) => {
    const { address } = await startRedis(t);
    const { wall, one, two } = await openTwo(t, address);
    wall.time += 3_600_000;
    await one.publish('a', needed('1'));
    wall.time = START;
    assert.deepEqual(await finished(two, 5), ['a 1 1']);
  });

  test('are refused, and nothing is stored, when something else has the name of their key', async (t) => {
    const redis = await startRedis(t);
    const { one } = await openTwo(t, redis.address);
    const name = followUpsIn(new Keys().of('a').base);
    await redis.ask('set', name, 'else');
    await assert.rejects(one.publish('a', needed('1')), { code: 'LOG_UNSUITABLE' });
    assert.equal((await one.state('a')).head, 0);
    await one.publish('a', { data: '2' });
  });

  test('need no key of Redis in channels where nothing is to be done', async (t) => {
    const redis = await startRedis(t);
    const { one } = await openTwo(t, redis.address);
    await Promise.all([one.publish('a', { data: '1' }), one.publish('b', needed('1'))]);
    assert.deepEqual(await redis.ask('keys', '*:follow-ups'), [followUpsIn(new Keys().of('b').base)]);
  });
});
