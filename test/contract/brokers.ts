import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import {
  type Broker,
  type Erasable,
  type KeyWindow,
  memory,
  type Queueing,
  type Rewritable,
  redis,
  sqlite,
} from '../../src/broker/index.ts';
import type { Clock } from '../../src/clock.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What the suite can turn at: a wall clock in a box. */
export interface Setting {
  now: () => number;
  clock?: Clock;
  keys?: Partial<KeyWindow>;
  onError?: (error: unknown) => void;
}

const ends: (() => unknown)[] = [];
const owner = { after: (end: () => unknown) => void ends.push(end) };
let stores = 0;
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** Every broker of the house, by name. Each opens a fresh store, which goes when the test ends. */
export const BROKERS: Readonly<
  Record<string, (t: TestContext, setting: Setting) => Promise<Broker & Erasable & Rewritable>>
> = {
  memory: (t, setting) => opened(t, memory(setting)),
  sqlite: (t, setting) => opened(t, sqlite(join(temporary(t), 'log.db'), setting)),
  redis: inRedis(() => startRedis(owner)),
  'Redis with Sentinel': inRedis(() => startSentinel(owner)),
  'Redis Cluster': inRedis(() => startCluster(owner)),
};

/** Those that have queues. */
export const QUEUEING: Readonly<
  Record<string, (t: TestContext, setting: Setting) => Promise<Broker & Erasable & Queueing>>
> = {
  memory: (t, setting) => opened(t, memory(setting)),
  sqlite: (t, setting) => opened(t, sqlite(join(temporary(t), 'log.db'), setting)),
};

/** Why a broker cannot be tried here, by its name. */
export const MISSING: Readonly<Record<string, string | false>> = {
  redis: noRedis,
  'Redis with Sentinel': noRedis,
  'Redis Cluster': noRedis,
};

/** What is started once for all tests of a file: each has a prefix of its own. */
function inRedis(start: () => Promise<{ readonly address: string }>) {
  let server: ReturnType<typeof start> | undefined;
  return async (t: TestContext, setting: Setting) => {
    server ??= start();
    return opened(t, redis((await server).address, { ...setting, prefix: `test:${++stores}` }));
  };
}

/** A folder that goes when the test ends. */
export function temporary(t: TestContext): string {
  const folder = temporaryFolder(t);
  return folder;
}

/** Opens, and closes when the test ends: before its folder goes. */
export async function opened<T extends Broker>(t: TestContext, broker: T): Promise<T> {
  await broker.open();
  t.after(() => broker.close());
  return broker;
}
