import { markdownTable } from '../report.ts';
import type { Constants } from './constants.ts';
import { type Needs, needsOf, type Workload } from './model.ts';

/** From constants to the tables of docs/scale.md: pure, without measurements and files. */

export const WORKLOADS: readonly Workload[] = [
  { name: 'a small town: rooms of 50', connections: 10_000, channels: 200, subscriptions: 1, publications: 200 },
  { name: 'rooms of 50', connections: 1e6, channels: 20_000, subscriptions: 1, publications: 20_000 },
  { name: 'ten topics for everybody', connections: 1e6, channels: 10, subscriptions: 1, publications: 10 },
  { name: 'a channel for each user', connections: 1e6, channels: 1e6, subscriptions: 1, publications: 100_000 },
  { name: 'the same, all of them busy', connections: 1e6, channels: 1e6, subscriptions: 1, publications: 1e6 },
];

/** The tables by the name of their place in the document. */
export function tables(constants: Constants): Record<string, string> {
  const needs = WORKLOADS.map((workload) => ({ workload, needs: needsOf(workload, constants) }));
  return {
    constants: constantsTable(constants),
    needs: markdownTable(
      [
        '',
        'connections',
        'channels',
        'publications/s',
        'deliveries/s',
        'nodes',
        'shards of Redis',
        'connections to Redis',
      ],
      needs.map(({ workload, needs }) => [
        workload.name,
        whole(workload.connections),
        whole(workload.channels),
        whole(workload.publications),
        whole(needs.deliveries),
        whole(needs.nodes),
        whole(needs.shards),
        whole(needs.redisConnections),
      ]),
    ),
    nodes: loadTable(needs, 'node'),
    shards: loadTable(needs, 'shard'),
    storms: markdownTable(
      ['', 'a node dies: share of a core of each other node, for 30 s', 'a shard dies: seconds of CPU of the new one'],
      needs.map(({ workload, needs }) => [
        workload.name,
        Number.isFinite(needs.storms.nodeDied) ? percent(needs.storms.nodeDied) : 'there is no other',
        needs.storms.shardDied.toFixed(2),
      ]),
    ),
  };
}

function constantsTable({ node, redis, date, machine, versions, remarks }: Constants): string {
  const rows: [string, string][] = [
    ['a node without clients', mebibytes(node.idle)],
    ['a connection that has subscribed to a channel', kibibytes(node.connection)],
    ['a channel with a subscriber on the node', kibibytes(node.channel)],
    ['a connection that comes: handshake, `hi`, subscription', micros(node.entering)],
    ['a publication, until Redis has acknowledged it', micros(node.publication)],
    ['a publication that is heard from Redis', micros(node.hearing)],
    ['the head of a channel, compared', micros(node.head)],
    ['a publication to one reader: one at a time', micros(node.delivery[0])],
    ['a publication to one reader: 16 together', micros(node.delivery[1])],
    ['Redis: a publication that no node hears', micros(redis.publication)],
    ['Redis: each node that hears it', micros(redis.hearing)],
    ['Redis: a node begins to hear a channel', micros(redis.watching)],
    ['Redis: the head of a channel', micros(redis.head)],
    ['Redis: a channel with one publication of 64 bytes', `${whole(redis.channel)} bytes`],
    ['Redis: each further publication', `${whole(redis.entry)} bytes`],
  ];
  const notes = [...versions, ...remarks].join('; ');
  return `Measured on ${date}: ${machine}; ${notes}.\n\n${markdownTable(['what', 'memory, or time of one core'], rows)}`;
}

function loadTable(rows: readonly { workload: Workload; needs: Needs }[], of: 'node' | 'shard'): string {
  const reasons = Object.keys(rows[0]!.needs[of].byReason);
  return markdownTable(
    ['', 'memory', 'of a core', ...reasons],
    rows.map(({ workload, needs }) => [
      workload.name,
      mebibytes(needs[of].memory),
      percent(needs[of].cpu),
      ...reasons.map((reason) => percent(needs[of].byReason[reason]!)),
    ]),
  );
}

const whole = (value: number) => Math.round(value).toLocaleString('en');
const micros = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} µs`;
const kibibytes = (value: number) => `${(value / 1_024).toFixed(1)} KiB`;
const mebibytes = (value: number) => `${whole(value / 2 ** 20)} MiB`;
const percent = (share: number) => `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;

/** The document with its tables made anew, each between `<!-- name -->` and `<!-- end -->`. */
export function filled(document: string, constants: Constants): string {
  const all = tables(constants);
  return document.replace(/<!-- (\w+) -->\n[\s\S]*?<!-- end -->/g, (place, name: string) =>
    name in all ? `<!-- ${name} -->\n${all[name]}\n<!-- end -->` : place,
  );
}
