import { setTimeout as pause } from 'node:timers/promises';
import { Keys, slotOfPartition } from '../../../src/broker/redis/keys.ts';
import { cutOff, hasAll, type Owner, type RedisServer, startRedis } from '../../support/redis.ts';
import { type ClusterTown, startCluster } from '../../support/redis-cluster.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import type { Dice } from '../dice.ts';

/**
 * `disk`: one Redis that writes each publication to its disk. `memory`: one that writes nothing, and comes back empty.
 * `failover`: a primary that dies before its replica has all. `cluster`: three of those, whose slots move.
 */
export const KINDS = ['disk', 'memory', 'failover', 'cluster'] as const;
export type Kind = (typeof KINDS)[number];

/** What all nodes share, and how it fails. */
export interface Store {
  readonly address: string;
  /** Of the only server: then each node has a line of its own to it. */
  readonly port: number | undefined;
  /** Nothing acknowledged may be lost. */
  readonly isDurable: boolean;
  /** The fault that this kind is about. */
  readonly typical: string;
  readonly faults: Readonly<Record<string, () => Promise<void>>>;
}

/** A primary and its replica. They change places. */
interface Pair {
  primary: RedisServer;
  replica: RedisServer;
}

const AOF = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Milliseconds: a failover that nobody wanted, to a replica that does not have all yet, loses whole logs. */
const SIGN_OF_LIFE = 2_000;

export function startStore(t: Owner, kind: Kind, dice: Dice): Promise<Store> {
  if (kind === 'failover') return startPair(t, dice);
  return kind === 'cluster' ? startThree(t, dice) : startOne(t, kind === 'disk', dice);
}

async function startOne(t: Owner, isDurable: boolean, dice: Dice): Promise<Store> {
  const server = await startRedis(t, isDurable ? AOF : []);
  const restart = async () => {
    await server.stop();
    await pause(100 + dice.below(1_500));
    await server.start();
  };
  return {
    address: isDurable ? `${server.address}?durability=disk` : server.address,
    port: server.port,
    isDurable,
    typical: isDurable ? 'Redis killed' : 'Redis restarted empty',
    faults: {
      'Redis paused': () => stall(server, dice),
      [isDurable ? 'Redis killed' : 'Redis restarted empty']: restart,
    },
  };
}

async function startPair(t: Owner, dice: Dice): Promise<Store> {
  const { address, named, ...first } = await startSentinel(t, [], SIGN_OF_LIFE);
  const pair: Pair = first;
  /** A server that had no time to answer may have lost its part again: who follows whom, once both have the same. */
  const sortOut = () =>
    until(async () => {
      if ((await named()) === pair.replica.port) exchange(pair);
      return isComplete(pair);
    }, 'one follows the other, and has all');
  return {
    address,
    port: undefined,
    isDurable: false,
    typical: 'failed over',
    faults: {
      'Redis paused': () => stall(pair.primary, dice),
      'failed over': async () => {
        await sortOut();
        const { port } = pair.replica;
        await loseTheEnd(pair, dice, async () => (await named()) === port);
        await sortOut();
      },
    },
  };
}

async function startThree(t: Owner, dice: Dice): Promise<Store> {
  const lines: TcpProxy[] = [];
  const town = await startCluster(t, {
    hasReplicas: true,
    // Clients reach each server by a line that can be cut.
    announced: async (port) => {
      const line = await startProxy(t, port);
      lines.push(line);
      return line.port;
    },
  });
  const pairs = town.nodes.map((primary, at): Pair => ({ primary, replica: town.replicas[at]! }));
  const any = <T>(all: readonly T[]): T => all[dice.below(all.length)]!;
  const isPrimary = async (server: RedisServer) => String(await server.ask('role')).startsWith('master');
  const sortOut = (pair: Pair) =>
    until(async () => {
      if (!(await isPrimary(pair.primary)) && (await isPrimary(pair.replica))) exchange(pair);
      return (await isComplete(pair)) && (await agree(town));
    }, 'one follows the other, has all, and the others know it');
  return {
    address: town.address,
    port: undefined,
    isDurable: false,
    typical: 'shard failed over',
    faults: {
      'shard paused': () => stall(any(pairs).primary, dice),
      'shard failed over': async () => {
        const pair = any(pairs);
        await sortOut(pair);
        const { replica } = pair;
        await loseTheEnd(pair, dice, () => isPrimary(replica));
        await sortOut(pair);
      },
      'slot moved': async () => {
        for (const pair of pairs) await sortOut(pair);
        const slot = slotOfPartition(new Keys().of(`room:${1 + dice.below(3)}`).partition);
        const owners = await Promise.all(
          pairs.map(async ({ primary }) => ((await primary.ask('cluster', 'countkeysinslot', slot)) as number) > 0),
        );
        const from = pairs[Math.max(0, owners.indexOf(true))]!.primary;
        const to = any(pairs.filter(({ primary }) => primary !== from)).primary;
        await town.move(slot, from, to);
        for (const pair of pairs) await sortOut(pair);
      },
      'lines to a shard cut': async () => any(lines).cut(),
      'lines to a shard closed': async () => {
        const line = any(lines);
        line.isClosed = true;
        line.cut();
        await pause(100 + dice.below(1_500));
        line.isClosed = false;
      },
      'announcements of a shard lost': async () => {
        const line = any(lines);
        line.loses = (_, chunk) => chunk.includes('\r\nsmessage\r\n');
        await pause(100 + dice.below(1_500));
        line.loses = undefined;
      },
    },
  };
}

/** Shorter than any node waits for an answer, or a sentinel for a sign of life. */
async function stall(server: RedisServer, dice: Dice): Promise<void> {
  server.signal('SIGSTOP');
  await pause(100 + dice.below(300));
  server.signal('SIGCONT');
}

/** The primary dies, with publications that its replica does not have; then it comes back as a replica. */
async function loseTheEnd({ primary, replica }: Pair, dice: Dice, isPromoted: () => Promise<boolean>): Promise<void> {
  await cutOff(replica, primary);
  await pause(dice.below(300));
  await primary.stop();
  replica.signal('SIGCONT');
  await until(isPromoted, 'the replica is the primary');
  await primary.start();
}

function exchange(pair: Pair): void {
  const { primary, replica } = pair;
  pair.primary = replica;
  pair.replica = primary;
}

async function isComplete({ primary, replica }: Pair): Promise<boolean> {
  const infos = await Promise.all([replica, primary].map(async (one) => String(await one.ask('info', 'replication'))));
  return infos[0]!.includes('link_status:up') && infos[1]!.includes('role:master') && hasAll(replica, primary);
}

/** Whether all servers of a cluster say the same of all slots. */
async function agree({ nodes, replicas }: ClusterTown): Promise<boolean> {
  const all = await Promise.all(
    [...nodes, ...replicas].map(async (server) => [
      String(await server.ask('cluster', 'info')).includes('cluster_state:ok'),
      JSON.stringify(
        ((await server.ask('cluster', 'slots')) as [number, number, [string, number]][])
          .map(([from, to, [, port]]) => [from, to, port])
          .sort(([one], [other]) => one! - other!),
      ),
    ]),
  );
  return all.every(([isWell, slots]) => isWell && slots === all[0]![1]);
}
