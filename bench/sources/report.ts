import type { HubGoal, Part } from '../hub/report.ts';
import { median, showValue } from '../report.ts';
import type { FramerResult } from './framers.ts';
import type { OutboxResult } from './outbox.ts';

/** From the samples of the sources to tables: pure, without measurements and files. */

export interface OutboxRow {
  readonly database: string;
  /** Whether the database tells of rows by itself. */
  readonly isWoken: boolean;
  readonly title: string;
  /** `backlog` has a goal for its rate, the others for their latency. */
  readonly mode: 'backlog' | 'steady' | 'rare';
  /** Rows a second that are committed; undefined for a backlog. */
  readonly rate?: number;
  /** One for each successful round. */
  readonly samples: OutboxResult[];
}

/** Rows a second. */
const RATE = 5_000;
/** Milliseconds, half of the rows. */
const WOKEN = 20;
const POLLED = 150;
/** Lines a second of one core. */
const LINES = 1_000_000;

const middle = (values: readonly number[]) => (values.length === 0 ? undefined : median(values));
const shown = (value: number | undefined) => (value === undefined ? '–' : showValue(value));

export function outboxPart(rows: readonly OutboxRow[]): Part {
  const goals: HubGoal[] = [];
  const lines = rows.map(({ database, isWoken, title, mode, samples }) => {
    const of = (pick: (sample: OutboxResult) => number | null) =>
      middle(samples.map(pick).filter((value) => value !== null));
    const [rate, p50, p99, cpu] = [
      of(({ perSecond }) => perSecond),
      of(({ p50 }) => p50),
      of(({ p99 }) => p99),
      of(({ cpu }) => cpu),
    ];
    goals.push(
      mode === 'backlog'
        ? { title: `rows a second, ${database}, ${title}`, goal: { least: RATE }, reached: rate }
        : {
            title: `p50 in ms from commit to log, ${database}, ${title}`,
            goal: { most: isWoken ? WOKEN : POLLED },
            reached: p50,
          },
    );
    // Of rare rows most of it is the looking for them, and the start.
    return [`${database}, ${title}`, shown(rate), shown(p50), shown(p99), mode === 'rare' ? '–' : shown(cpu)];
  });
  return {
    title: 'Rows of an outbox, from commit to log',
    header: ['', 'rows/s', 'p50, ms', 'p99, ms', 'µs of CPU for a row'],
    lines,
    goals,
    notes: [],
  };
}

/** `rounds`: the results of each. */
export function framersPart(rounds: readonly (readonly FramerResult[])[]): Part {
  const names = rounds[0]?.map(({ name }) => name) ?? [];
  const of = (name: string) => rounds.map((round) => round.find((result) => result.name === name)!.perSecond);
  return {
    title: 'Frames of 34 bytes a second of one core',
    header: ['', 'millions', 'lowest to highest'],
    lines: names.map((name) => {
      const millions = of(name).map((value) => value / 1e6);
      return [
        name,
        shown(middle(millions)),
        `${showValue(Math.min(...millions))} to ${showValue(Math.max(...millions))}`,
      ];
    }),
    goals: [
      { title: 'lines a second', goal: { least: LINES }, reached: names.length > 0 ? middle(of('lines')) : undefined },
    ],
    notes: [],
  };
}

export interface IdleRow {
  readonly title: string;
  /** Bytes that a connection adds. */
  readonly samples: number[];
}

export function idlePart(rows: readonly IdleRow[], connections: number): Part {
  return {
    title: `Memory of ${connections.toLocaleString('en')} idle connections`,
    header: ['', 'KiB each', 'lowest to highest'],
    lines: rows.map(({ title, samples }) => {
      const sizes = samples.map((bytes) => bytes / 1_024);
      return [
        title,
        shown(middle(sizes)),
        sizes.length === 0 ? '–' : `${showValue(Math.min(...sizes))} to ${showValue(Math.max(...sizes))}`,
      ];
    }),
    goals: [],
    notes: [],
  };
}
