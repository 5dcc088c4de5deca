import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inspectRedis } from '../../../src/broker/index.ts';
import { startServer } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker } from './several.ts';

/** Debian has it in its backports and in what follows the release of 2023. */
const noValkey =
  spawnSync('which', ['valkey-server']).status !== 0 && 'needs valkey-server, which this machine does not have';

test('Valkey is as good as Redis: logs, keys, announcements, a restart that lost the end', {
  skip: noValkey,
}, async (t) => {
  const server = await startServer(t, 'valkey-server');
  const [one, two] = [await openBroker(t, server.address), await openBroker(t, server.address)];
  assert.match((await inspectRedis(server.address)).product, /^Valkey \d/);
  const heard = await Promise.all([listen(two, 'a'), listen(two, '*')]);
  const kept = await one.publish('a', { data: '1', key: '1' });
  await server.ask('save');
  const lost = await one.publish('a', { data: '2', key: '2' });
  await until(() => heard.every((list) => list.length === 2), 'both were heard');
  assert.equal((await two.publish('a', { data: '1', key: '1' })).duplicate, true);
  await server.stop();
  await server.start();
  await until(() => one.trouble() === undefined && two.trouble() === undefined, 'it is back');
  const next = await one.publish('a', { data: '3', key: '3' });
  assert.deepEqual([next.position[1], next.position[0] === lost.position[0]], [2, false]);
  const gap = await two.read('a', lost.position);
  assert.deepEqual([gap.gap, gap.gap && gap.continues], ['epoch', kept.position[1]]);
});
