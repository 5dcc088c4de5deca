import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { parseAddress } from '../../../src/broker/redis/addresses.ts';
import { loadRedisDriver, makeClient } from '../../../src/broker/redis/driver.ts';
import { SingleFeed } from '../../../src/broker/redis/feed.ts';
import { SingleLink } from '../../../src/broker/redis/single-link.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';

const TIMES = { connect: 60_000, silence: 60_000, random: () => 0.5 };

/** A client of a Redis that is connected to, and whose first answer never comes. */
async function clientOfSilence(t: TestContext, isPaused: boolean) {
  const redis = await startRedis(t);
  const proxy = await startProxy(t, redis.port);
  let isLost = false;
  proxy.loses = () => {
    isLost = true;
    return true;
  };
  const asks = () => isLost;
  if (isPaused) redis.signal('SIGSTOP');
  const place = isPaused ? redis.address : `redis://127.0.0.1:${proxy.port}`;
  const address = parseAddress(place);
  const client = makeClient(await loadRedisDriver(), address, TIMES);
  let isReady = false;
  client.on('ready', () => {
    isReady = true;
  });
  return { client, place, asks: isPaused ? () => isReady : asks };
}

/** In a Cluster others wait for it, and would wait for ever. */
async function settles(asked: Promise<unknown>): Promise<void> {
  let error: { code?: string } | undefined;
  asked.catch((cause) => {
    error = cause;
  });
  await until(() => error !== undefined, 'it has an end');
  assert.equal(error?.code, 'LOG_UNREACHABLE');
}

describe('a connection to Redis that is closed before it has an answer', { skip: noRedis }, () => {
  for (const isPaused of [false, true]) {
    const how = isPaused ? 'which stands still' : 'whose answers are lost';
    test(`ends the opening of subscriptions to a server ${how}`, async (t) => {
      const { client, place, asks } = await clientOfSilence(t, isPaused);
      const options = { place, always: 'probe', onMessage: () => {}, onBack: () => {} };
      const feed = new SingleFeed(client, options);
      const opening = feed.open();
      await until(asks, 'it has subscribed');
      feed.close();
      await settles(opening);
    });

    test(`ends the opening of a connection for commands to a server ${how}`, async (t) => {
      const { client, place, asks } = await clientOfSilence(t, isPaused);
      const link = new SingleLink(client, 'cluster', { place, onBack: () => {} } as never);
      const opening = link.open();
      await until(asks, 'it has asked who the server is');
      link.close();
      await settles(opening);
    });
  }
});
