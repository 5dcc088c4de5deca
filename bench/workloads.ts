/** The workloads, their sizes, and their goals. */

/** The peers, and this engine. */
export type ServerName = 'zocalo' | 'uws' | 'ws' | 'bun';

export type Measure =
  /** Microseconds of the server's CPU time per delivered message. */
  | 'messages'
  /** KiB of resident memory that each idle connection adds. */
  | 'memory'
  /** Connections set up per second of the server's CPU time. */
  | 'connections';

/** A bound for the ratio of this engine's figure to the peer's. */
export type Goal = { most: number } | { least: number };

export interface Workload {
  name: string;
  title: string;
  measure: Measure;
  mode: 'echo' | 'fanout';
  connections: number;
  /** Payload bytes of each message. */
  bytes: number;
  /** Messages in flight at any time: per connection for an echo, in total for a fan-out. */
  inFlight: number;
  /** Text messages instead of binary ones. */
  text: boolean;
  /** permessage-deflate: offered by the load, enabled on every server. */
  compressed: boolean;
  /** Empty if a row has no goal. */
  goals: Partial<Record<ServerName, Goal>>;
}

const usual = {
  measure: 'messages',
  mode: 'echo',
  connections: 200,
  bytes: 64,
  inFlight: 1,
  text: false,
  compressed: false,
} as const;

export const WORKLOADS: readonly Workload[] = [
  { ...usual, name: 'echo1', title: 'echo, 1 in flight', goals: { uws: { most: 1.25 }, ws: { most: 0.8 } } },
  {
    ...usual,
    name: 'echo16',
    title: 'echo, 16 in flight',
    inFlight: 16,
    goals: { uws: { most: 0.9 }, ws: { most: 0.12 } },
  },
  {
    ...usual,
    name: 'fan1',
    title: 'fan-out, 1 in flight',
    mode: 'fanout',
    goals: { uws: { most: 1.1 }, ws: { most: 0.85 } },
  },
  {
    ...usual,
    name: 'fan16',
    title: 'fan-out, 16 in flight',
    mode: 'fanout',
    inFlight: 16,
    goals: { uws: { most: 1 }, ws: { most: 0.06 } },
  },
  {
    ...usual,
    name: 'echo8k',
    title: 'echo, 8,000 connections',
    connections: 8000,
    goals: { uws: { most: 1.4 }, ws: { most: 0.8 } },
  },
  {
    ...usual,
    name: 'echo64k',
    title: 'echo of 64 KiB messages',
    bytes: 64 << 10,
    goals: { uws: { most: 1.2 }, ws: { most: 0.8 } },
  },
  {
    ...usual,
    name: 'fan4k',
    title: 'fan-out of a 4 KiB JSON text, compressed',
    mode: 'fanout',
    bytes: 4 << 10,
    inFlight: 4,
    text: true,
    compressed: true,
    goals: { uws: { most: 1 }, ws: { most: 0.05 } },
  },
  {
    ...usual,
    name: 'memory',
    title: 'memory per idle connection',
    measure: 'memory',
    connections: 8000,
    goals: { ws: { most: 0.7 } },
  },
  {
    ...usual,
    name: 'connections',
    title: 'connections set up per second of server CPU',
    measure: 'connections',
    connections: 8000,
    goals: { ws: { least: 1.3 } },
  },
  { ...usual, name: 'echo16text', title: 'echo of text, 16 in flight', inFlight: 16, text: true, goals: {} },
  {
    ...usual,
    name: 'fan16text',
    title: 'fan-out of text, 16 in flight',
    mode: 'fanout',
    inFlight: 16,
    text: true,
    goals: {},
  },
];
