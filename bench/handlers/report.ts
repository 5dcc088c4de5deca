import type { HubGoal, Part } from '../hub/report.ts';
import type { LoadResult } from '../load.ts';
import { median, percent, showValue } from '../report.ts';
import type { Goal } from '../workloads.ts';
import type { CallResult } from './calls.ts';
import type { CarrierName } from './php-servers.ts';
import { LOOP, ZOCALO } from './rooms.ts';

/** From the handlers' samples to tables: pure, without measurements and files. */

/** What one contestant did, or why it could not. */
export interface Outcome<Result> {
  samples: Result[];
  failure?: string;
}

export interface ChatRow {
  title: string;
  /** For Zócalo's share of the loop's CPU time. */
  goal: Goal;
  /** By the name of a contestant. */
  by: Record<string, Outcome<LoadResult>>;
}

export interface StuckRow {
  name: string;
  without: Outcome<LoadResult>;
  with: Outcome<LoadResult>;
}

export interface CallRow {
  carrier: CarrierName;
  workers: number;
  /** Many callers at once; one; and many on the carrier alone. */
  many: Outcome<CallResult>;
  one: Outcome<CallResult>;
  alone: Outcome<CallResult>;
}

const NONE = '–';
const CHAT_NOTES = [
  "The library's loop leaves Nagle's algorithm on: while a client has not confirmed what it was sent, the system holds " +
    'back what is sent next, and puts several messages into one packet, which makes a write cheap and delivery late. ' +
    'Zócalo and Workerman set TCP_NODELAY, so that nothing is held back.',
  'A fan-out with one in flight is one write for each client on every side, and the system takes most of the time.',
];
const PIPES = { each: 40, perSecond: 10_000 };

function middle<Result>({ samples }: Outcome<Result>, pick: (result: Result) => number | undefined) {
  const values = samples.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

const shown = (value: number | undefined) => (value === undefined ? NONE : showValue(value));
const cpu = (outcome: Outcome<LoadResult> | undefined) => outcome && middle(outcome, ({ value }) => value);
const over = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? undefined : one / other;

/** Columns: CPU, spread, rate, both loads, Zócalo's CPU over this one's. */
function chatLine(row: ChatRow, name: string): string[] {
  const outcome = row.by[name]!;
  const { samples, failure } = outcome;
  const title = `${row.title}: ${name}`;
  if (samples.length === 0) return [title, failure ?? NONE, '', '', '', '', ''];
  const values = samples.map(({ value }) => value);
  const ratio = name === ZOCALO ? undefined : over(cpu(row.by[ZOCALO]), cpu(outcome));
  return [
    title,
    shown(cpu(outcome)),
    `${showValue(Math.min(...values))} to ${showValue(Math.max(...values))}`,
    shown(middle(outcome, ({ rate }) => rate)),
    percent(middle(outcome, ({ serverBusy }) => serverBusy)!),
    percent(middle(outcome, ({ loadBusy }) => loadBusy)!),
    ratio === undefined ? '' : ratio.toFixed(2),
  ];
}

const CHAT_HEADER = [
  '',
  'µs CPU/delivery',
  'lowest to highest',
  'deliveries/s',
  'server busy',
  'load busy',
  'Zócalo/it',
];

export function chatPart(rows: readonly ChatRow[]): Part {
  return {
    title: "The tutorial's chat, 200 clients",
    header: CHAT_HEADER,
    lines: rows.flatMap((row) => Object.keys(row.by).map((name) => chatLine(row, name))),
    goals: rows.map(({ title, goal, by }) => ({
      title: `${title}, CPU to the loop's`,
      goal,
      reached: over(cpu(by[ZOCALO]), cpu(by[LOOP])),
    })),
    notes: CHAT_NOTES,
  };
}

/** `alone`: the loop with as many who talk and no others, if that was measured. */
export function crowdPart(row: ChatRow, alone: Outcome<LoadResult> | undefined): Part {
  return {
    title: row.title,
    header: CHAT_HEADER,
    lines: Object.keys(row.by).map((name) => chatLine({ ...row, title: 'echo, 1 in flight' }, name)),
    goals: [
      {
        title: `${row.title}, CPU to the loop's without the others`,
        goal: row.goal,
        reached: over(cpu(row.by[ZOCALO]), cpu(alone)),
      },
    ],
    notes: [],
  };
}

export function stuckPart(rows: readonly StuckRow[], title: string): Part {
  const goals: HubGoal[] = [];
  const lines = rows.map((row) => {
    const ratio = over(cpu(row.with), cpu(row.without));
    if (row.name === ZOCALO)
      goals.push({ title: 'CPU with one that never reads, to that without it', goal: { most: 1.1 }, reached: ratio });
    const rate = (outcome: Outcome<LoadResult>) => middle(outcome, (result) => result.rate);
    const failed = row.with.samples.length === 0;
    return [
      row.name,
      shown(cpu(row.without)),
      failed ? (row.with.failure ?? NONE) : shown(cpu(row.with)),
      shown(rate(row.without)),
      failed ? '0' : shown(rate(row.with)),
    ];
  });
  const header = ['', 'µs CPU/delivery', 'the same with it', 'deliveries/s', 'the same with it'];
  return { title, header, lines, goals, notes: [] };
}

export function callPart(rows: readonly CallRow[], callers: number): Part {
  const goals: HubGoal[] = [];
  const lines = rows.map(({ carrier, workers, many, one, alone }) => {
    const title = `${carrier}, ${workers}`;
    const perSecond = middle(many, (result) => result.perSecond);
    if (carrier === 'pipes') {
      goals.push({
        title: `µs CPU in Zócalo for a call, ${title}`,
        goal: { most: PIPES.each },
        reached: middle(many, ({ zocalo }) => zocalo),
      });
      if (workers > 1)
        goals.push({ title: `calls a second, ${title}`, goal: { least: PIPES.perSecond }, reached: perSecond });
    }
    if (many.samples.length === 0) return [title, many.failure ?? NONE, ...Array(7).fill('')];
    const latency = (outcome: Outcome<CallResult>) =>
      [middle(outcome, ({ p50 }) => p50), middle(outcome, ({ p99 }) => p99)]
        .map((value) => value?.toFixed(2) ?? NONE)
        .join(' / ');
    return [
      title,
      shown(perSecond),
      latency(many),
      latency(one),
      shown(middle(many, ({ zocalo }) => zocalo)),
      shown(middle(many, ({ programs }) => programs)),
      shown(middle(alone, (result) => result.perSecond)),
      latency(alone),
      shown(middle(alone, ({ zocalo }) => zocalo)),
    ];
  });
  return {
    title: `Calls through a handler in PHP, ${callers} clients with one in flight each`,
    header: [
      'carrier, PHP processes',
      'calls/s',
      'p50 / p99, ms',
      'one client alone: p50 / p99, ms',
      'µs CPU each: Zócalo',
      'PHP',
      'without the daemon: calls/s',
      'p50 / p99, ms',
      'µs CPU each: Zócalo',
    ],
    lines,
    goals,
    notes: [],
  };
}
