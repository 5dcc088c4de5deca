import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker } from './several.ts';

const AOF = ['--appendonly', 'yes', '--appendfsync', 'always'];

describe('Redis goes away', { skip: noRedis }, () => {
  test('publishing is refused at once, and what others publish after its return is received', async (t) => {
    const redis = await startRedis(t, AOF);
    const broker = await openBroker(t, redis.address, { durability: 'disk' });
    const other = await openBroker(t, redis.address, { durability: 'disk' });
    const heard = await listen(broker, 'a');
    const { position } = await broker.publish('a', { data: '1' });
    await redis.stop();
    await until(() => broker.trouble() !== undefined, 'the loss is known');
    for (const call of [
      () => broker.publish('a', { data: '2' }),
      () => broker.state('a'),
      () => broker.read('a', position),
      () => broker.watch('b', () => {}),
    ])
      await assert.rejects(call, { code: 'LOG_UNREACHABLE', message: /redis:\/\/127.0.0.1:\d+ cannot be reached/ });
    await redis.start();
    await until(() => other.trouble() === undefined, 'another process is back');
    await other.publish('a', { data: '2' });
    await until(
      () => broker.trouble() === undefined && heard.length === 2,
      'this one too, and has heard what it missed',
    );
    assert.deepEqual(heard, ['a 1 1', 'a 2 2']);
    assert.deepEqual((await broker.publish('a', { data: '3' })).position, [position[0], 3], 'the disk kept its name');
  });

  test('a publication that is on its way is refused as unknown, and its repetition is stored once', async (t) => {
    const redis = await startRedis(t);
    const proxy = await startProxy(t, redis.port);
    const broker = await openBroker(t, `redis://127.0.0.1:${proxy.port}`);
    await broker.publish('a', { data: '0' });
    let swallowed = 0;
    proxy.loses = (connection) => connection.sent.includes('evalsha') && ++swallowed > 0;
    const pending = broker.publish('a', { data: '1', key: 'k' });
    await until(() => swallowed > 0, 'Redis has answered, and nobody heard it');
    proxy.loses = undefined;
    proxy.cut();
    await assert.rejects(pending, { code: 'LOG_FAILED', message: /repeating this with its key is safe/ });
    await until(() => broker.trouble() === undefined, 'it is connected again');
    const { position, duplicate } = await broker.publish('a', { data: '1', key: 'k' });
    assert.deepEqual([position[1], duplicate], [2, true]);
  });

  test('a Redis that hangs counts as away, and its answer as unknown', async (t) => {
    const redis = await startRedis(t);
    const broker = await openBroker(t, redis.address, { answerTimeout: 300 });
    const heard = await listen(broker, 'a');
    redis.signal('SIGSTOP');
    await assert.rejects(broker.publish('a', { data: '1' }), { code: 'LOG_FAILED' });
    await until(() => broker.trouble() !== undefined, 'that is known');
    redis.signal('SIGCONT');
    await until(() => broker.trouble() === undefined, 'it is back');
    await broker.publish('a', { data: '2' });
    assert.equal(heard.at(-1)?.endsWith(' 2'), true);
  });

  test('positions are not given twice after a restart that lost the end of the log', async (t) => {
    const redis = await startRedis(t);
    const broker = await openBroker(t, redis.address);
    const put = async (data: string) => (await broker.publish('a', { data, key: data })).position;
    const kept = await put('1');
    await redis.ask('save');
    const lost = await put('2');
    assert.equal(lost[0], kept[0]);
    await redis.stop();
    await redis.start();
    await until(() => broker.trouble() === undefined, 'it is back');
    assert.equal((await broker.state('a')).head, 1, 'the end is gone');
    const other = await put('other');
    assert.equal(other[1], 2);
    assert.notEqual(other[0], lost[0], 'the same number under another epoch');
    const gap = await broker.read('a', lost);
    assert.deepEqual([gap.gap, gap.gap && gap.continues], ['epoch', 1], 'and whoever saw the lost one is told');
    const known = await broker.read('a', [other[0], 0]);
    assert.deepEqual(known.gap ?? known.entries.map(({ data }) => data), ['1', 'other']);
    assert.deepEqual(await broker.publish('a', { data: '1', key: '1' }), {
      position: [other[0], 1],
      duplicate: true,
    });
    assert.deepEqual((await broker.publish('a', { data: '2', key: '2' })).duplicate, false, 'its key was lost with it');
  });

  test('a Redis that comes back empty has other epochs, and its first publications are received', async (t) => {
    const redis = await startRedis(t);
    const broker = await openBroker(t, redis.address);
    const heard = await listen(broker, 'a');
    const { position } = await broker.publish('a', { data: '1' });
    await redis.stop();
    await redis.start();
    await until(() => broker.trouble() === undefined, 'it is back');
    assert.equal((await broker.read('a', position)).gap, 'epoch');
    const again = await broker.publish('a', { data: '2' });
    assert.equal(again.position[1], 1);
    assert.notEqual(again.position[0], position[0]);
    assert.deepEqual(heard, ['a 1 1', 'a 1 2']);
  });

  test('a Redis that was emptied while it ran uses no epoch twice', async (t) => {
    const redis = await startRedis(t);
    const broker = await openBroker(t, redis.address);
    const { position } = await broker.publish('a', { data: '1' });
    await redis.ask('flushall');
    const again = await broker.publish('a', { data: '2' });
    assert.notEqual(again.position[0], position[0]);
  });

  test('scripts that Redis has forgotten are loaded again', async (t) => {
    const redis = await startRedis(t);
    const broker = await openBroker(t, redis.address);
    await broker.publish('a', { data: '1' });
    await redis.ask('script', 'flush');
    const all = Array.from({ length: 50 }, (_, n) => broker.publish('a', { data: `${n}` }));
    const offsets = (await Promise.all(all)).map(({ position }) => position[1]);
    assert.deepEqual(
      offsets,
      offsets.map((_, at) => at + 2),
    );
    assert.equal((await broker.state('a')).head, 51);
  });

  test('a clock of a node that is a minute wrong changes nothing: time is that of Redis', async (t) => {
    const { address } = await startRedis(t);
    const one = await openBroker(t, address);
    const wrong = new FakeClock();
    wrong.advance(60_000);
    const two = await openBroker(t, address, { clock: wrong, headCheck: 1e9, probe: 1e9 });
    const keep = { size: 100, ttl: 30_000 };
    const position = (await one.publish('a', { data: '1', keep, key: 'k' })).position;
    assert.equal((await two.publish('a', { data: '2', keep })).position[1], 2);
    assert.equal((await two.publish('a', { data: '1', keep, key: 'k' })).duplicate, true);
    const page = await two.read('a', [position[0], 0]);
    assert.deepEqual(page.gap ?? page.entries.map(({ data }) => data), ['1', '2'], 'neither has expired');
    const [first, second] = page.gap ? [] : page.entries;
    assert.ok(Math.abs(second!.time - first!.time) < 30_000, 'both have the same time');
  });
});
