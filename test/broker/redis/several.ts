import type { TestContext } from 'node:test';
import { type Entry, RedisBroker, type RedisOptions } from '../../../src/broker/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** What the tests of Redis use: an open broker with quick limits, closed when the test is over. */
export async function openBroker(t: TestContext, address: string, options: RedisOptions = {}): Promise<RedisBroker> {
  const broker = new RedisBroker(address, { answerTimeout: 1_000, connectTimeout: 1_000, ...options });
  await broker.open();
  t.after(() => broker.close());
  return broker;
}

/** The entries that a broker tells of a channel or a pattern, as `epoch offset data`. */
export async function listen(broker: RedisBroker, channelOrPattern: string): Promise<string[]> {
  const heard: string[] = [];
  await broker.watch(channelOrPattern, (channel, _epoch, entries: readonly Entry[]) => {
    for (const { offset, data } of entries) heard.push(`${channel} ${offset} ${data}`);
  });
  return heard;
}

/** A clock for what a broker does by itself, so that a test decides when: head checks, probes. */
export const stillClock = () => new FakeClock();
