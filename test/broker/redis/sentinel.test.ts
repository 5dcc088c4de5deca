import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RedisBroker } from '../../../src/broker/index.ts';
import { cutOff, hasAll, noRedis, startRedis } from '../../support/redis.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker } from './several.ts';

const put = (broker: RedisBroker, data: string) => broker.publish('a', { data, key: data });

/** Publishes as the SDK does: again, with its key, until it is stored. */
async function putAtLast(broker: RedisBroker, data: string) {
  for (;;)
    try {
      return await put(broker, data);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

describe('Redis with Sentinel', { skip: noRedis }, () => {
  test('a failover that loses nothing is announced as a new epoch with nothing missing', async (t) => {
    const { address, tell, named, primary, replica } = await startSentinel(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const heard = await listen(two, 'a');
    const before = await put(one, '1');
    await until(() => hasAll(replica, primary), 'the replica has it');
    await tell('sentinel', 'failover', 'main');
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    // Until then it takes publications, which are lost.
    await until(
      async () => String(await primary.ask('info', 'replication')).includes('role:slave'),
      'the other is not',
    );
    const after = await putAtLast(one, '2');
    assert.deepEqual([after.position[1], after.duplicate], [2, false]);
    assert.notEqual(after.position[0], before.position[0]);
    await until(() => heard.length === 2 && two.trouble() === undefined, 'the other process has heard both');
    const gap = await two.read('a', before.position);
    assert.deepEqual([gap.gap, gap.gap && gap.continues], ['epoch', 1], 'all of it was seen');
    assert.equal((await put(two, '1')).duplicate, true, 'keys are known as before');
  });

  test('kill -9 of the primary: a lost end of the log is a gap, and its positions are never given to others', async (t) => {
    const { address, primary, replica, named } = await startSentinel(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const heard = await listen(two, 'a');
    await put(one, 'kept');
    await until(() => hasAll(replica, primary), 'the replica has the first one');
    await cutOff(replica, primary);
    const lost = await Promise.all(['lost 1', 'lost 2'].map((data) => put(one, data)));
    await until(() => heard.length === 3, 'they were heard');
    await primary.stop();
    replica.signal('SIGCONT');
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    const next = await putAtLast(one, 'next');
    assert.equal(next.position[1], 2, 'the replica did not have them');
    const [epoch] = next.position;
    await until(() => two.trouble() === undefined, 'the other process has found the new primary');
    for (const { position } of lost) {
      assert.notEqual(position[0], epoch);
      const gap = await two.read('a', position);
      assert.deepEqual([gap.gap, gap.gap && gap.continues], ['epoch', 1], 'who saw a lost one is told');
    }
    await until(() => heard.at(-1) === 'a 2 next', 'what follows is heard');
    assert.deepEqual(heard, ['a 1 kept', 'a 2 lost 1', 'a 3 lost 2', 'a 2 next']);
    assert.equal((await putAtLast(one, 'lost 1')).duplicate, false, 'its key went with it: it can be published again');
  });

  test('a log that a failover has lost as a whole gives its positions to no other publication', async (t) => {
    const { address, primary, replica, named } = await startSentinel(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const { epoch } = await two.state('a');
    await until(() => hasAll(replica, primary), 'the replica has what the epochs follow from');
    await cutOff(replica, primary);
    const lost = await put(one, 'lost');
    assert.deepEqual(lost.position, [epoch, 1], 'who subscribed before it has missed nothing');
    await primary.stop();
    replica.signal('SIGCONT');
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    const next = await putAtLast(one, 'next');
    assert.equal(next.position[1], 1, 'the replica did not have the log');
    assert.notEqual(next.position[0], epoch);
    await until(() => two.trouble() === undefined, 'the other process has found the new primary');
    assert.equal((await two.read('a', lost.position)).gap, 'epoch', 'who saw the lost one is told');
    assert.equal((await putAtLast(one, 'lost')).duplicate, false);
  });

  test('with durability replicas:1, what was acknowledged survives kill -9 of the primary', async (t) => {
    const { address, primary, replica, named } = await startSentinel(t);
    const broker = await openBroker(t, `${address}?durability=replicas:1`);
    const acknowledged = new Set<string>();
    let running = true;
    const publishing = (async () => {
      for (let n = 0; running; n++)
        await put(broker, `${n}`).then(
          () => acknowledged.add(`${n}`),
          () => new Promise((resolve) => setTimeout(resolve, 5)),
        );
    })();
    await until(() => acknowledged.size > 50, 'some are acknowledged');
    await primary.stop();
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    running = false;
    await publishing;
    await until(() => broker.trouble() === undefined, 'the broker is there');
    const page = await broker.read('a', [(await broker.state('a')).epoch, 0], { limit: 1_000 });
    const kept = new Set(page.gap ? [] : page.entries.map(({ data }) => data));
    assert.deepEqual(
      [...acknowledged].filter((data) => !kept.has(data)),
      [],
    );
  });

  test('a server that was a replica meanwhile, with its process and our connection as before, has another epoch', async (t) => {
    const [one, two] = [await startRedis(t), await startRedis(t)];
    const broker = await openBroker(t, one.address);
    const follows = (server: typeof one) =>
      until(async () => String(await server.ask('info', 'replication')).includes('link_status:up'), 'it follows');
    await put(broker, 'kept');
    await two.ask('replicaof', '127.0.0.1', one.port);
    await follows(two);
    await two.ask('replicaof', 'no', 'one');
    const lost = await put(broker, 'lost');
    await one.ask('replicaof', '127.0.0.1', two.port);
    await follows(one);
    await one.ask('replicaof', 'no', 'one');
    assert.equal((await broker.state('a')).head, 1);
    const stamp = performance.now();
    await until(() => performance.now() - stamp > 600, 'this took as long as failovers do');
    const next = await put(broker, 'next');
    assert.equal(next.position[1], 2);
    assert.notEqual(next.position[0], lost.position[0], 'the same number under another epoch');
  });

  test('sentinels that do not know the name, that are away, and that have a password of their own', async (t) => {
    const { address, tell } = await startSentinel(t);
    const refused = (address: string, code: string, message: RegExp) =>
      assert.rejects(openBroker(t, address), { code, message });
    await refused(
      address.replace('/main', '/other'),
      'LOG_UNREACHABLE',
      /know no primary of this name.*SENTINEL MASTERS/,
    );
    await refused('redis+sentinel://127.0.0.1:1/main', 'LOG_UNREACHABLE', /cannot be reached: no sentinel answers/);
    await tell('acl', 'setuser', 'ana', 'on', '>secret', '+@all', 'allchannels');
    await tell('acl', 'setuser', 'default', 'off');
    await refused(address, 'LOG_DENIED', /sentinel says NOAUTH.*sentinelPassword/);
    await refused(`${address}?sentinelUser=ana&sentinelPassword=no`, 'LOG_DENIED', /sentinel says WRONGPASS/);
    await openBroker(t, `${address}?sentinelUser=ana&sentinelPassword=secret`);
  });
});
