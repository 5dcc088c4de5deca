import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { redis } from '../../../src/broker/index.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { openBroker } from './several.ts';

/** Of other programs. Redis answers while it loads, each time that it has loaded a thousand of them. */
const KEYS = 6_000;

/** What the server says to PING; the driver would wait until it has loaded. Empty when nobody listens yet. */
async function pinged(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    answer += chunk;
    socket.destroy();
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

describe('a Redis that loads its data', { skip: noRedis }, () => {
  test('a node that starts waits, or is refused with the reason, and a running node goes on', async (t) => {
    const server = await startRedis(t, ['--appendonly', 'yes']);
    const broker = await openBroker(t, server.address);
    const before = await broker.publish('a', { data: '1' });
    const fill = `for n = 1, ${KEYS} do redis.call('SET', 'other:' .. n, n) end`;
    await server.ask('eval', fill, 0);
    await server.stop();
    // Microseconds for each key, so that it takes some seconds.
    const started = server.start(['--key-load-delay', '500']);
    await until(async () => (await pinged(server.port)).startsWith('-LOADING'), 'it is loading');
    await assert.rejects(redis(server.address, { connectTimeout: 1_000, answerTimeout: 20_000 }).open(), {
      code: 'LOG_UNREACHABLE',
      message: /is still loading its data; it is tried again by itself/,
    });
    await assert.rejects(broker.publish('a', { data: '2' }), { code: 'LOG_UNREACHABLE' });
    const waits: string[] = [];
    const patient = await openBroker(t, server.address, {
      waiting: { onWait: (reason) => reason && waits.push(reason.code) },
    });
    assert.ok(waits.length > 0 && waits.every((code) => code === 'LOG_UNREACHABLE'), `${waits}`);
    await started;
    await until(() => broker.trouble() === undefined, 'who was there goes on');
    assert.equal((await patient.read('a', [before.position[0], 0])).gap, undefined);
    assert.equal((await broker.publish('a', { data: '2' })).position[1], 2);
  });
});
