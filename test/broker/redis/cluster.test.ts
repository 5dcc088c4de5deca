import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspectRedis, type RedisBroker } from '../../../src/broker/index.ts';
import { Keys, slotOfPartition } from '../../../src/broker/redis/keys.ts';
import { cutOff, hasAll, noRedis, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker, stillClock } from './several.ts';

const keys = new Keys();
const slotOf = (channel: string) => slotOfPartition(keys.of(channel).partition);

/** The first channel `a:N` whose slot is in this third of the slots. */
function channelAt(third: number): string {
  for (let n = 0; ; n++) if (Math.floor((slotOf(`a:${n}`) * 3) / 16_384) === third) return `a:${n}`;
}

const CHANNELS = [channelAt(0), channelAt(1), channelAt(2)];

const put = (broker: RedisBroker, channel: string, data: string) => broker.publish(channel, { data, key: data });

async function putAtLast(broker: RedisBroker, channel: string, data: string) {
  for (;;)
    try {
      return await put(broker, channel, data);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

describe('Redis Cluster', { skip: noRedis }, () => {
  test('a broker that is closed has no connection left, also not to a server that it has just left', async (t) => {
    const { address, nodes } = await startCluster(t);
    const broker = await openBroker(t, address, { clock: stillClock(), now: Date.now });
    await broker.close();
    const connections = async () =>
      (await Promise.all(nodes.map(async (node) => String(await node.ask('client', 'list', 'type', 'normal')))))
        .flatMap((list) => list.trim().split('\n'))
        .filter((client) => !client.includes('cmd=client')).length;
    await until(async () => (await connections()) === 0, 'all of them have ended', 10_000);
  });

  test('processes receive each other’s publications by names and by patterns, and each announcement visits one server', async (t) => {
    const { address, nodes } = await startCluster(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const heard = await Promise.all([
      ...CHANNELS.map((channel) => listen(two, channel)),
      listen(two, 'a:*'),
      listen(one, 'a*'),
      listen(one, '*'),
    ]);
    for (let n = 0; n < 10; n++)
      await Promise.all(CHANNELS.map((channel) => (n % 2 ? one : two).publish(channel, { data: `${n}` })));
    await until(() => heard.every((list, at) => list.length === (at < 3 ? 10 : 30)), 'all of them heard everything');
    for (const [at, channel] of CHANNELS.entries()) {
      assert.deepEqual(
        heard[at],
        Array.from({ length: 10 }, (_, n) => `${channel} ${n + 1} ${n}`),
      );
      for (const all of heard.slice(3))
        assert.deepEqual(
          all.filter((text) => text.startsWith(`${channel} `)),
          heard[at],
        );
    }
    for (const node of nodes) {
      const stats = String(await node.ask('info', 'commandstats'));
      assert.match(stats, /cmdstat_spublish/);
      assert.doesNotMatch(stats, /cmdstat_publish/);
      assert.match(String(await node.ask('cluster', 'info')), /messages_publish(shard)?_sent:0|^(?!.*publish)/s);
    }
  });

  test('a slot moves while others publish to it and listen: nothing is lost or twice, and the order stays', async (t) => {
    const { address, nodes, move } = await startCluster(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const [channel] = CHANNELS as [string];
    const heard = await listen(two, channel);
    const sent: string[] = [];
    let running = true;
    const publishing = (async () => {
      for (let n = 0; running; n++) {
        sent.push(`${n}`);
        await putAtLast(one, channel, `${n}`);
        // The log keeps a thousand: less than what comes until a lost subscription is noticed.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await until(() => heard.length > 20, 'some were heard');
    const slot = slotOf(channel);
    await move(slot, nodes[0]!, nodes[1]!, () =>
      until(() => sent.length > 40, 'some were published', 100).catch(() => {}),
    );
    const moved = sent.length;
    await until(() => sent.length > moved + 20, 'it goes on at the other server');
    await until(() => heard.length > moved, 'that is heard'); // of one move, what went on is known, and not of two
    await move(slot, nodes[1]!, nodes[2]!);
    const again = sent.length;
    await until(() => sent.length > again + 20, 'and at the third one');
    running = false;
    await publishing;
    await until(() => heard.length >= sent.length, 'everything was heard');
    assert.deepEqual(
      heard.map((text) => text.split(' ')[2]),
      sent,
    );
    assert.deepEqual(
      heard.map((text) => Number(text.split(' ')[1])),
      sent.map((_, at) => at + 1),
    );
  });

  test('a shard without a replica is killed: its channels are refused, others go on, and everything is delivered when it is back', async (t) => {
    const cluster = await startCluster(t, { settings: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const [one, two] = [await openBroker(t, cluster.address), await openBroker(t, cluster.address)];
    const [lost, , kept] = CHANNELS as [string, string, string];
    const heard = [await listen(two, lost), await listen(two, kept)];
    await Promise.all(CHANNELS.map((channel) => put(one, channel, 'before')));
    await cluster.nodes[0]!.stop();
    await until(() => one.trouble() !== undefined && two.trouble() !== undefined, 'the loss is known');
    assert.match(one.trouble()!, /a part of the store cannot be reached: LOG_UNREACHABLE/);
    await assert.rejects(put(one, lost, 'during'), { code: 'LOG_UNREACHABLE' });
    await put(one, kept, 'during');
    await until(() => heard[1]!.length === 2, 'the others are heard');
    await cluster.nodes[0]!.start();
    await putAtLast(one, lost, 'after');
    await until(() => heard[0]!.length === 2, 'what follows is heard');
    await until(() => one.trouble() === undefined && two.trouble() === undefined, 'all is well again');
    assert.deepEqual(heard, [
      [`${lost} 1 before`, `${lost} 2 after`],
      [`${kept} 1 before`, `${kept} 2 during`],
    ]);
  });

  test('a shard is killed, and its replica takes over without what it lacks: positions are not given twice', async (t) => {
    const { address, nodes, replicas } = await startCluster(t, { hasReplicas: true });
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const [channel] = CHANNELS as [string];
    const heard = await listen(two, channel);
    const kept = await put(one, channel, 'kept');
    await until(() => hasAll(replicas[0]!, nodes[0]!), 'the replica has it');
    await cutOff(replicas[0]!, nodes[0]!);
    const lost = await put(one, channel, 'lost');
    await until(() => heard.length === 2, 'it was heard');
    await nodes[0]!.stop();
    replicas[0]!.signal('SIGCONT');
    const next = await putAtLast(one, channel, 'next');
    assert.equal(next.position[1], 2);
    assert.notEqual(next.position[0], lost.position[0]);
    await until(() => two.trouble() === undefined, 'the other process has found the new primary');
    const gap = await two.read(channel, lost.position);
    assert.deepEqual([gap.gap, gap.gap && gap.continues], ['epoch', 1]);
    await until(() => heard.at(-1) === `${channel} 2 next`, 'it is heard by way of the new primary');
    assert.equal((await put(one, channel, 'kept')).duplicate, true);
    assert.equal(kept.position[0], lost.position[0]);
  });

  test('servers of Redis 6.2 have no sharded PUB/SUB: announcements go by way of any of them', async (t) => {
    const proxies = new Map<number, TcpProxy>();
    const { nodes } = await startCluster(t, {
      announced: async (port) => {
        const proxy = await startProxy(t, port);
        // Of the same length, so that it stays a valid answer.
        proxy.rewrites = (chunk) => chunk.replace(/redis_version:7\.0\.(\d\d)/, 'redis_version:6.2.$1');
        proxies.set(port, proxy);
        return proxy.port;
      },
    });
    const address = `redis+cluster://127.0.0.1:${proxies.get(nodes[0]!.port)!.port}`;
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const heard = await Promise.all([...CHANNELS.map((channel) => listen(two, channel)), listen(two, '*')]);
    await Promise.all(CHANNELS.map((channel) => put(one, channel, '1')));
    await until(() => heard.every((list, at) => list.length === (at < 3 ? 1 : 3)), 'all of them heard everything');
    const stats = await Promise.all(nodes.map(async (node) => String(await node.ask('info', 'commandstats'))));
    for (const text of stats) assert.doesNotMatch(text, /cmdstat_s(pub|sub)/);
    const anchor = stats.findIndex((text) => /cmdstat_subscribe/.test(text));
    proxies.get(nodes[anchor]!.port)!.isClosed = true;
    proxies.get(nodes[anchor]!.port)!.cut();
    await until(() => /a part of the store/.test(two.trouble() ?? ''), 'the loss is known');
    const other = CHANNELS[(anchor + 1) % 3]!;
    await putAtLast(one, other, '2');
    await until(() => heard[(anchor + 1) % 3]!.length === 2, 'another server announces it');
  });

  test('the doctor looks at every server of a cluster, and names those that a warning is about', async (t) => {
    const { address, nodes } = await startCluster(t, { settings: ['--appendonly', 'yes'] });
    assert.deepEqual((await inspectRedis(address)).warnings, []);
    await nodes[1]!.ask('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    const { product, warnings } = await inspectRedis(`${address}?durability=replicas:1`);
    assert.match(product, /^(Redis|Valkey) [\d.]+$/);
    const sentences = warnings.map(({ sentence }) => sentence);
    assert.equal(sentences.length, 2, `${sentences}`);
    const policy = sentences.find((sentence) => sentence.startsWith('maxmemory-policy is allkeys-lru'));
    assert.ok(policy?.endsWith(`(on redis://127.0.0.1:${nodes[1]!.port})`), policy);
    assert.match(sentences.join(), /1 replicas are promised, and 0 are connected.*\(on all servers\)/);
    await nodes[2]!.stop();
    const [gone] = (await inspectRedis(address)).warnings.filter(({ sentence }) => /cannot be used/.test(sentence));
    assert.ok(gone?.sentence.includes(`:${nodes[2]!.port}`), gone?.sentence);
  });

  test('an address of another kind than the server is refused with the right one', async (t) => {
    const { nodes } = await startCluster(t);
    await assert.rejects(openBroker(t, nodes[0]!.address), { code: 'LOG_UNSUITABLE', message: /redis\+cluster:/ });
    const { port } = await startRedis(t);
    await assert.rejects(openBroker(t, `redis+cluster://127.0.0.1:${port}`), {
      code: 'LOG_UNSUITABLE',
      message: /redis:\/\//,
    });
  });
});
