import type { Constants } from './constants.ts';

/** What an application does, at its busiest. */
export interface Workload {
  readonly name: string;
  readonly connections: number;
  /** Channels that have a subscriber. */
  readonly channels: number;
  /** Subscriptions of each connection. */
  readonly subscriptions: number;
  /** Publications a second, all channels together. */
  readonly publications: number;
}

/** How far anything is loaded before another of it is added: a failure, or a burst, must fit into the rest. */
export interface Headroom {
  /** Share of a core, of a node and of Redis: 0 to 1. */
  readonly cpu: number;
  /** Bytes of a node. */
  readonly memory: number;
  /** Milliseconds between two head checks of a node, and channels of one round at most. */
  readonly headCheck: number;
  readonly headRound: number;
  /** Publications that each log keeps. */
  readonly entries: number;
  /** Seconds over which clients that lost their node come back. */
  readonly comeBack: number;
  /** Publications that are sent to a reader together, 1 to 16. */
  readonly together: number;
}

export const HEADROOM: Headroom = {
  cpu: 0.5,
  memory: 4 * 2 ** 30,
  headCheck: 5_000,
  headRound: 25_000,
  entries: 100,
  comeBack: 30,
  together: 1,
};

/** What a workload needs. Shares are of one core. */
export interface Needs {
  readonly deliveries: number;
  readonly nodes: number;
  /** Nodes on which a channel has a subscriber, on average. */
  readonly nodesOfChannel: number;
  readonly node: { readonly memory: number; readonly cpu: number; readonly byReason: Readonly<Record<string, number>> };
  readonly shards: number;
  readonly shard: {
    readonly memory: number;
    readonly cpu: number;
    readonly byReason: Readonly<Record<string, number>>;
  };
  /** Connections to all of Redis: each node has one for commands and one for subscriptions to each shard. */
  readonly redisConnections: number;
  readonly storms: {
    /** Share of a core on each other node, while the clients of one that died come back. */
    readonly nodeDied: number;
    /** Seconds of CPU of each shard, until all nodes listen again after it was replaced. */
    readonly shardDied: number;
  };
}

const SECOND = 1e6;
/** Nodes, or shards. */
const MOST = 100_000;

/** The fewest nodes and shards that stay within the headroom. Throws a RangeError if no number does. */
export function needsOf(workload: Workload, constants: Constants, headroom: Headroom = HEADROOM): Needs {
  const nodes = fewest((count) => fits(nodeOf(workload, constants, headroom, count), headroom));
  const shards = fewest((count) => redisOf(workload, constants, headroom, nodes, count).cpu <= headroom.cpu);
  const { connections, publications, channels, subscriptions } = workload;
  const hearing = nodesOfChannel(workload, nodes);
  return {
    deliveries: (publications * connections * subscriptions) / channels,
    nodes,
    nodesOfChannel: hearing,
    node: nodeOf(workload, constants, headroom, nodes),
    shards,
    shard: redisOf(workload, constants, headroom, nodes, shards),
    redisConnections: 2 * nodes * shards,
    storms: {
      nodeDied:
        nodes === 1
          ? Number.POSITIVE_INFINITY
          : (connections / nodes / (nodes - 1) / headroom.comeBack) * (constants.node.entering / SECOND),
      shardDied: ((channels / shards) * hearing * (constants.redis.watching + constants.redis.head)) / SECOND,
    },
  };
}

function fewest(isEnough: (count: number) => boolean): number {
  for (let count = 1; count <= MOST; count++) if (isEnough(count)) return count;
  throw new RangeError('no number of nodes is enough: each must hear too much');
}

function fits({ memory, cpu }: { memory: number; cpu: number }, headroom: Headroom): boolean {
  return memory <= headroom.memory && cpu <= headroom.cpu;
}

/**
 * On how many of `nodes` a channel is heard, if its subscribers are spread by chance: of n subscribers, none is on a
 * node with the probability (1 - 1/nodes)^n.
 */
export function nodesOfChannel({ connections, channels, subscriptions }: Workload, nodes: number): number {
  const subscribers = (connections * subscriptions) / channels;
  return nodes * (1 - (1 - 1 / nodes) ** subscribers);
}

/** The load of each of `nodes`. */
export function nodeOf(
  workload: Workload,
  { node }: Constants,
  { together, headCheck, headRound }: Headroom,
  nodes: number,
) {
  const { connections, channels, subscriptions, publications } = workload;
  const hearing = nodesOfChannel(workload, nodes);
  const watched = (channels * hearing) / nodes;
  const deliveries = (publications * connections * subscriptions) / channels;
  const [alone, packed] = node.delivery;
  const delivery = alone + ((packed - alone) * (together - 1)) / 15;
  const byReason = {
    publishing: ((publications / nodes) * node.publication) / SECOND,
    hearing: (((publications * hearing) / nodes) * node.hearing) / SECOND,
    delivering: ((deliveries / nodes) * delivery) / SECOND,
    'head checks': ((Math.min(watched, headRound) / (headCheck / 1_000)) * node.head) / SECOND,
  };
  const memory = node.idle + (connections / nodes) * node.connection + watched * node.channel;
  return { memory, cpu: sum(byReason), byReason };
}

/** The load of each of `shards`. */
function redisOf(
  workload: Workload,
  { redis }: Constants,
  { headCheck, headRound, entries }: Headroom,
  nodes: number,
  shards: number,
) {
  const { channels, publications } = workload;
  const hearing = nodesOfChannel(workload, nodes);
  const checked = Math.min((channels * hearing) / nodes, headRound) * nodes;
  const byReason = {
    appending: ((publications / shards) * redis.publication) / SECOND,
    announcing: (((publications * hearing) / shards) * redis.hearing) / SECOND,
    'head checks': ((checked / (headCheck / 1_000) / shards) * redis.head) / SECOND,
  };
  const memory = (channels / shards) * (redis.channel + (entries - 1) * redis.entry);
  return { memory, cpu: sum(byReason), byReason };
}

function sum(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((total, part) => total + part, 0);
}
