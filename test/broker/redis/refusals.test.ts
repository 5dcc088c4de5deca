import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { inspectRedis, redis } from '../../../src/broker/index.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { openBroker } from './several.ts';

/** A server that answers INFO with this, and everything else with OK. */
async function fakeRedis(t: TestContext, info: string): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      socket.write(chunk.includes('info') ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
    });
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const refusedToOpen = (address: string, code: string, message: RegExp) =>
  assert.rejects(redis(address, { connectTimeout: 1_000, answerTimeout: 1_000 }).open(), { code, message });

describe('what Redis refuses has a code and a sentence', { skip: noRedis }, () => {
  test('nobody listens there', () =>
    refusedToOpen('redis://127.0.0.1:1', 'LOG_UNREACHABLE', /ECONNREFUSED.*it is tried/));

  test('nobody answers there, since it is paused', async (t) => {
    const server = await startRedis(t);
    server.signal('SIGSTOP');
    await refusedToOpen(server.address, 'LOG_UNREACHABLE', /cannot be reached/);
    server.signal('SIGCONT');
    await openBroker(t, server.address);
  });

  test('a database that does not exist', async (t) => {
    const { address } = await startRedis(t);
    await refusedToOpen(`${address}/99`, 'LOG_UNSUITABLE', /DB index is out of range.*correct the address/);
  });

  test('a missing, a wrong and a right password', async (t) => {
    const { port } = await startRedis(t, ['--requirepass', 'secret']);
    await refusedToOpen(`redis://127.0.0.1:${port}`, 'LOG_DENIED', /NOAUTH.*cluster\.md lists them/);
    await refusedToOpen(`redis://:wrong@127.0.0.1:${port}`, 'LOG_DENIED', /WRONGPASS/);
    const broker = await openBroker(t, `redis://:secret@127.0.0.1:${port}`);
    await broker.publish('a', { data: '1' });
  });

  test('a user without the right to run scripts', async (t) => {
    const server = await startRedis(t);
    await server.ask('acl', 'setuser', 'ana', 'on', '>pw', '~*', '&*', '+@all', '-evalsha', '-eval');
    const broker = await openBroker(t, `redis://ana:pw@127.0.0.1:${server.port}`);
    await assert.rejects(broker.publish('a', { data: '1' }), { code: 'LOG_DENIED', message: /NOPERM/ });
  });

  test('the rights that the documentation lists are enough', async (t) => {
    const server = await startRedis(t);
    const rights =
      'resetchannels &zocalo:* resetkeys ~zocalo:* -@all +eval +evalsha +info +time +wait +get +set +mget +del +unlink ' +
      '+hmget +hset +hincrby +xadd +xrange +xtrim +pexpire +persist +publish +spublish +subscribe +unsubscribe ' +
      '+psubscribe +punsubscribe +ssubscribe +sunsubscribe +select';
    await server.ask('acl', 'setuser', 'ana', 'on', '>pw', ...rights.split(' '));
    const broker = await openBroker(t, `redis://ana:pw@127.0.0.1:${server.port}`);
    await broker.watch('a', () => {});
    const { position } = await broker.publish('a', { data: '1', key: 'k' });
    await broker.publish('a', { data: '2', keep: { size: 0, ttl: Number.POSITIVE_INFINITY } });
    await broker.read('a', position);
    await broker.trim('a', { size: 0, ttl: 1 });
    await broker.forget('a');
    assert.equal((await inspectRedis(`redis://ana:pw@127.0.0.1:${server.port}`)).product.startsWith('Redis'), true);
  });

  test('its memory is full', async (t) => {
    const server = await startRedis(t);
    const broker = await openBroker(t, server.address);
    await broker.publish('a', { data: '1' });
    await server.ask('config', 'set', 'maxmemory', '1');
    await assert.rejects(broker.publish('a', { data: '2' }), { code: 'LOG_FULL', message: /OOM.*raise maxmemory/ });
    await assert.rejects(broker.publish('new', { data: '2' }), { code: 'LOG_FULL' });
    assert.equal((await broker.state('a')).head, 1, 'and what it has can be read');
    await server.ask('config', 'set', 'maxmemory', '0');
    assert.equal((await broker.publish('a', { data: '2' })).position[1], 2);
  });

  test('another program uses the name of a key', async (t) => {
    const server = await startRedis(t);
    const broker = await openBroker(t, server.address);
    await broker.publish('a', { data: '1' });
    const keys = (await server.ask('keys', '*')) as string[];
    const entries = keys.find((key) => key.includes(':entries:'))!;
    await server.ask('set', entries, 'text');
    await assert.rejects(
      Promise.all([broker.publish('a', { data: '2' }), broker.publish('a', { data: '3', key: 'k' })]),
      { code: 'LOG_UNSUITABLE', message: /WRONGTYPE.*prefix/ },
    );
    await server.ask('del', entries);
    assert.equal((await broker.publish('a', { data: '2' })).position[1], 2, 'nothing was half done');
  });

  test('a replica', async (t) => {
    const primary = await startRedis(t);
    const replica = await startRedis(t, ['--replicaof', '127.0.0.1', String(primary.port)]);
    await until(async () => String(await replica.ask('info', 'replication')).includes('link_status:up'), 'it follows');
    await refusedToOpen(replica.address, 'LOG_READ_ONLY', /is a replica.*sentinels/);
  });

  test('a primary that becomes a replica', async (t) => {
    const [one, two] = [await startRedis(t), await startRedis(t)];
    const broker = await openBroker(t, one.address);
    await broker.publish('a', { data: '1' });
    await one.ask('replicaof', '127.0.0.1', two.port);
    await assert.rejects(broker.publish('a', { data: '2' }), { code: 'LOG_READ_ONLY' });
    await until(() => /LOG_READ_ONLY/.test(broker.trouble() ?? ''), 'it is known as one');
    await one.ask('replicaof', 'no', 'one');
    await until(() => broker.trouble() === undefined, 'it is a primary again');
  });

  test('too few replicas have it', async (t) => {
    const { address } = await startRedis(t);
    const broker = await openBroker(t, address, { durability: 'replicas:1' });
    await assert.rejects(broker.publish('a', { data: '1' }), { code: 'LOG_FAILED', message: /0 of 1 replicas/ });
    const replica = await startRedis(t, ['--replicaof', '127.0.0.1', new URL(address).port]);
    await until(async () => String(await replica.ask('info', 'replication')).includes('link_status:up'), 'it follows');
    await until(
      () =>
        broker.publish('a', { data: '2' }).then(
          () => true,
          () => false,
        ),
      'the replica has it',
    );
  });

  test('a version that is too old, or that is still loading', async (t) => {
    await refusedToOpen(
      await fakeRedis(t, 'redis_version:6.0.16\r\nrole:master'),
      'LOG_UNSUITABLE',
      /Redis 6\.0\.16.*6\.2/,
    );
    await refusedToOpen(
      await fakeRedis(t, 'redis_version:7.0.1\r\nrole:master\r\nloading:1'),
      'LOG_UNREACHABLE',
      /loading/,
    );
  });

  test('the doctor warns of an eviction policy and of missing persistence, and copes without CONFIG', async (t) => {
    const server = await startRedis(t, ['--maxmemory-policy', 'allkeys-lru']);
    const { product, warnings } = await inspectRedis(server.address);
    assert.match(product, /^(Redis|Valkey) \d/);
    assert.deepEqual(
      warnings.map(({ sentence }) => sentence.split(' ').slice(0, 3).join(' ')),
      ['maxmemory-policy is allkeys-lru,', 'Redis has neither'],
    );
    const good = await startRedis(t, ['--appendonly', 'yes', '--rename-command', 'CONFIG', '']);
    assert.deepEqual((await inspectRedis(good.address)).warnings, []);
    const [late] = (await inspectRedis(`${good.address}?durability=replicas:2`)).warnings;
    assert.match(late!.sentence, /2 replicas are promised, and 0 are connected/);
  });
});
