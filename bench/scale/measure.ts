import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../test/support/redis.ts';
import { ownCpuSeconds, residentBytes } from '../account.ts';
import { DIALECTS, enter } from '../hub/dialect.ts';
import type { RoomOrder } from '../hub/room.ts';
import type { LoadResult } from '../load.ts';
import { cores, machine, program } from '../machine.ts';
import { median } from '../report.ts';
import { launch } from '../servers.ts';
import type { Constants } from './constants.ts';
import type { NodeAnswer, NodeOrder } from './node.ts';

/** Connections, channels and publications of one measurement. */
const CONNECTIONS = 5_000;
const CHANNELS = 20_000;
const PUBLICATIONS = 60_000;
/** Logs whose entries are weighed, and how many each gets: Redis keeps some forty in the memory that one takes. */
const LONG_LOGS = 200;
const ENTRIES = 500;
/** Connections that hear the same, to tell what one of them costs Redis. */
const LISTENERS = 16;
/** Milliseconds: long enough for a runtime to collect the garbage of the beginnings. */
const SETTLE = 5_000;
/** Milliseconds between two head checks: the default of `redis()`. */
const HEAD_CHECK = 5_000;
/** Head checks while the CPU is measured. */
const CHECKS = 3;

const HUB = [process.execPath, fileURLToPath(new URL('../servers/hub.ts', import.meta.url))];

interface Owner {
  after(end: () => unknown): void;
}

/** Measures every constant `rounds` times, each round with a Redis and nodes of its own, and takes the medians. */
export async function measure(rounds: number, remarks: readonly string[]): Promise<Constants> {
  const samples: Pick<Constants, 'node' | 'redis'>[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await withOwner(sample));
  const middle = (of: (one: Pick<Constants, 'node' | 'redis'>) => number) =>
    Math.round(100 * median(samples.map(of))) / 100;
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const redis = await withOwner(async (t) => (await startRedis(t)).ask('info', 'server'));
  const { date, machine: model } = machine();
  return {
    date,
    machine: model,
    versions: [
      `Zócalo ${version} on Node ${process.versions.node}`,
      `Redis ${/redis_version:(\S+)/.exec(String(redis))?.[1]}`,
    ],
    remarks,
    node: {
      idle: middle(({ node }) => node.idle),
      connection: middle(({ node }) => node.connection),
      channel: middle(({ node }) => node.channel),
      entering: middle(({ node }) => node.entering),
      publication: middle(({ node }) => node.publication),
      hearing: middle(({ node }) => node.hearing),
      head: middle(({ node }) => node.head),
      delivery: [middle(({ node }) => node.delivery[0]), middle(({ node }) => node.delivery[1])],
    },
    redis: {
      publication: middle(({ redis }) => redis.publication),
      hearing: middle(({ redis }) => redis.hearing),
      watching: middle(({ redis }) => redis.watching),
      head: middle(({ redis }) => redis.head),
      channel: middle(({ redis }) => redis.channel),
      entry: middle(({ redis }) => redis.entry),
    },
  };
}

async function withOwner<T>(work: (t: Owner) => Promise<T>): Promise<T> {
  const ends: (() => unknown)[] = [];
  try {
    return await work({ after: (end) => void ends.unshift(end) });
  } finally {
    for (const end of ends) await end();
  }
}

async function sample(t: Owner): Promise<Pick<Constants, 'node' | 'redis'>> {
  const redis = await startRedis(t);
  const spent = accountOf(redis);
  const publisher = await startNode(t, redis);

  // What a publication costs where nobody hears it, then nodes that do.
  await publisher({ do: 'publish', count: PUBLICATIONS / 4, channels: 1_000, prefix: 'warm' });
  const unheard = await between(spent, publisher, { do: 'publish', count: PUBLICATIONS, channels: 1_000, prefix: 'c' });
  const hearers = [await startNode(t, redis), await startNode(t, redis)];
  const watching = await between(spent, hearers[0]!, { do: 'watch', channels: CHANNELS, prefix: 'c' });
  await hearers[1]!({ do: 'watch', channels: CHANNELS, prefix: 'c' });
  const before = await hearers[0]!({ do: 'look' });
  await publisher({ do: 'publish', count: PUBLICATIONS, channels: 1_000, prefix: 'c' });
  let after = await hearers[0]!({ do: 'look' });
  while (after.heard - before.heard < PUBLICATIONS) {
    await pause(50);
    after = await hearers[0]!({ do: 'look' });
  }

  // Nothing happens now but head checks, of two nodes.
  const [quiet, idle] = [await spent(), await hearers[0]!({ do: 'look' })];
  await pause(CHECKS * HEAD_CHECK);
  const checked = { redis: (await spent()) - quiet, node: (await hearers[0]!({ do: 'look' })).cpu - idle.cpu };

  const announcing = await announcements(t, redis, spent);

  const empty = await usedMemory(redis);
  await publisher({ do: 'publish', count: CHANNELS, channels: CHANNELS, prefix: 'm' });
  const ones = await usedMemory(redis);
  await publisher({ do: 'publish', count: LONG_LOGS * ENTRIES, channels: LONG_LOGS, prefix: 'm' });
  const full = await usedMemory(redis);

  const shared = await connections(redis.address, () => 'room');
  const own = await connections(redis.address, (n) => `own${n}`);
  return {
    node: {
      idle: shared.idle,
      connection: shared.each,
      channel: own.each - shared.each,
      entering: shared.entering,
      publication: unheard.node / PUBLICATIONS,
      hearing: (after.cpu - before.cpu) / PUBLICATIONS,
      head: checked.node / (CHECKS * CHANNELS),
      delivery: [await delivery(1), await delivery(16)],
    },
    redis: {
      publication: unheard.redis / PUBLICATIONS,
      hearing: announcing,
      watching: watching.redis / CHANNELS,
      head: checked.redis / (2 * CHECKS * CHANNELS),
      channel: (ones - empty) / CHANNELS,
      entry: (full - ones) / (LONG_LOGS * ENTRIES),
    },
  };
}

/** Microseconds of CPU that Redis spends for each connection that hears an announcement. */
async function announcements(t: Owner, redis: RedisServer, spent: () => Promise<number>): Promise<number> {
  const connect = () => {
    const client = new Redis({ port: redis.port, protocol: 2 });
    t.after(() => client.disconnect());
    return client;
  };
  const speaker = connect();
  const announce = async () => {
    const before = await spent();
    for (let at = 0; at < PUBLICATIONS / 4; at += 250)
      await Promise.all(Array.from({ length: 250 }, () => speaker.publish('news', 'x'.repeat(150))));
    return ((await spent()) - before) / (PUBLICATIONS / 4);
  };
  await announce();
  const alone = await announce();
  for (let n = 0; n < LISTENERS; n++) await connect().subscribe('news');
  return ((await announce()) - alone) / LISTENERS;
}

type Tell = (order: NodeOrder) => Promise<NodeAnswer>;

async function startNode(t: Owner, redis: RedisServer): Promise<Tell> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./node.ts', import.meta.url)), [redis.address]);
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return async (order) => {
    child.send(order);
    const [answer] = await once(child, 'message');
    return answer as NodeAnswer;
  };
}

/** Microseconds of CPU that a node and Redis spend on an order. */
async function between(
  spent: () => Promise<number>,
  tell: Tell,
  order: NodeOrder,
): Promise<{ node: number; redis: number }> {
  const [node, redis] = [(await tell({ do: 'look' })).cpu, await spent()];
  const { cpu } = await tell(order);
  return { node: cpu - node, redis: (await spent()) - redis };
}

/** Microseconds of CPU that Redis has spent since its start, by its own account. */
function accountOf(redis: RedisServer): () => Promise<number> {
  return async () => {
    const info = String(await redis.ask('info', 'cpu'));
    const of = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1]);
    return 1e6 * (of('used_cpu_user') + of('used_cpu_sys'));
  };
}

async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.ask('info', 'memory')))![1]);
}

/** Microseconds of a server's CPU for each reader of a room of 200, with so many publications on their way. */
async function delivery(inFlight: number): Promise<number> {
  const [serverCore, loadCore] = cores(() => {});
  const { port, pid, stop } = await launch(HUB, {}, serverCore);
  try {
    const sizes = { connections: 200, bytes: 64, inFlight };
    const order: RoomOrder = { server: 'zocalo', port, pid, ...sizes, seconds: 3, warmUp: 1 };
    return (await program<LoadResult>('hub/room.ts', order, loadCore)).value;
  } finally {
    await stop();
  }
}

/** A hub with its log in Redis, and clients with one subscription each: bytes without them, and bytes and CPU of each. */
async function connections(address: string, channelOf: (n: number) => string) {
  const { port, pid, stop } = await launch(HUB, { BROKER: address }, undefined);
  try {
    await pause(SETTLE);
    const [idle, cpu] = [residentBytes(pid), ownCpuSeconds(pid)];
    const open = [];
    for (let at = 0; at < CONNECTIONS; at += 50)
      open.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, (_, more) => enter(DIALECTS.zocalo, port, channelOf(at + more))),
        )),
      );
    const entering = ((ownCpuSeconds(pid) - cpu) * 1e6) / CONNECTIONS;
    await pause(SETTLE);
    const each = (residentBytes(pid) - idle) / CONNECTIONS;
    for (const { socket } of open) socket.destroy();
    return { idle, each, entering };
  } finally {
    await stop();
  }
}
