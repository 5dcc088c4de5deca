import type { Part } from '../hub/report.ts';
import { median, showValue } from '../report.ts';
import type { Goal } from '../workloads.ts';
import type { NodesResult } from './room.ts';

/** From the samples of several nodes to tables: pure, without measurements and files. */

export const KINDS = ['zocalo', 'streams', 'plain'] as const;
export type Kind = (typeof KINDS)[number];

const NAMES: Readonly<Record<Kind, string>> = {
  zocalo: 'Zócalo',
  streams: 'Socket.IO, Redis Streams adapter',
  plain: 'Socket.IO, Redis adapter',
};

export interface NodesRow {
  readonly inFlight: number;
  /** Of the processor time for a delivery, as a share of Socket.IO's with the Redis Streams adapter. */
  readonly goal: Goal;
  readonly samples: Readonly<Record<Kind, NodesResult[]>>;
}

export interface RateRow {
  readonly inFlight: number;
  readonly channels: number;
  /** A second. */
  readonly samples: number[];
}

export function roomPart(rows: readonly NodesRow[], readers: number): Part {
  const of = (samples: readonly NodesResult[], what: keyof NodesResult) =>
    median(samples.map((sample) => sample[what]));
  return {
    title: `A room of two nodes with ${readers} readers each`,
    header: [
      '',
      'in flight',
      'messages/s',
      'nodes: µs/delivery',
      'nodes: µs/message',
      'Redis: µs/message',
      'p50 ms',
      'p99 ms',
    ],
    lines: rows.flatMap(({ inFlight, samples }) =>
      KINDS.filter((kind) => samples[kind].length > 0).map((kind) => [
        NAMES[kind],
        String(inFlight),
        showValue(of(samples[kind], 'rate')),
        of(samples[kind], 'delivery').toFixed(2),
        showValue(of(samples[kind], 'nodes')),
        showValue(of(samples[kind], 'redis')),
        of(samples[kind], 'p50').toFixed(1),
        of(samples[kind], 'p99').toFixed(1),
      ]),
    ),
    goals: rows.map(({ inFlight, goal, samples }) => ({
      title: `processor time of a delivery, ${inFlight} in flight, as a share of Socket.IO's with Redis Streams`,
      goal,
      reached:
        samples.zocalo.length > 0 && samples.streams.length > 0
          ? of(samples.zocalo, 'delivery') / of(samples.streams, 'delivery')
          : undefined,
    })),
    notes: [
      'Processor time is that of both nodes, and of Redis. The latency is that of a reader of the other node, which also sets the pace: so each message has gone through Redis.',
    ],
  };
}

export function latencyPart(samples: Readonly<Record<Kind, readonly NodesResult[]>>): Part {
  const of = (kind: Kind, what: 'p50' | 'p99') => median(samples[kind].map((sample) => sample[what]));
  return {
    title: 'One reader on each node, a message at a time',
    header: ['', 'p50 ms', 'p99 ms'],
    lines: KINDS.filter((kind) => samples[kind].length > 0).map((kind) => [
      NAMES[kind],
      of(kind, 'p50').toFixed(1),
      of(kind, 'p99').toFixed(1),
    ]),
    goals: [
      {
        title: 'ms until the reader on the other node hears a message, p50',
        goal: { most: 3 },
        reached: samples.zocalo.length > 0 ? of('zocalo', 'p50') : undefined,
      },
    ],
    notes: ['From the sending to the first node until it has come from the second one.'],
  };
}

function linesOf(rows: readonly RateRow[]): string[][] {
  return rows
    .filter(({ samples }) => samples.length > 0)
    .map(({ inFlight, channels, samples }) => [String(inFlight), String(channels), showValue(median(samples))]);
}

export function publishPart(rows: readonly RateRow[]): Part {
  const best = Math.max(...rows.map(({ samples }) => (samples.length > 0 ? median(samples) : 0)));
  return {
    title: 'Acknowledged publications through one node, with keys',
    header: ['in flight', 'channels', 'publications/s'],
    lines: linesOf(rows),
    goals: [
      {
        title: 'acknowledged publications a second, the best row',
        goal: { least: 30_000 },
        reached: best || undefined,
      },
    ],
    notes: [],
  };
}

export function presencePart(rows: readonly RateRow[]): Part {
  return {
    title: 'Members that join through one node, while another follows the same channels',
    header: ['in flight', 'channels', 'joins/s'],
    lines: linesOf(rows),
    goals: [],
    notes: [
      'Each member leaves again as soon as its join was told. Both nodes are in one process, which is that of the load.',
    ],
  };
}

export function catchUpPart(samples: readonly number[], log: number): Part {
  return {
    title: `One reader catches up ${log.toLocaleString('en')} publications`,
    header: ['', 'publications/s'],
    lines: samples.length > 0 ? [['Zócalo', showValue(median(samples))]] : [],
    goals: [],
    notes: [],
  };
}
