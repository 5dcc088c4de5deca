import type { LoadResult } from '../load.ts';
import { aligned, isMet, markdownTable, median, percent, type Setting, settingLines, showValue } from '../report.ts';
import type { Goal } from '../workloads.ts';
import type { DialectName } from './dialect.ts';
import type { LatencyResult } from './latency.ts';
import type { PublishOrder, PublishResult } from './publish.ts';
import type { StampedeResult } from './stampede.ts';

/** From the hub's samples to tables: pure, without measurements and files. */

export interface HubGoal {
  title: string;
  goal: Goal;
  /** Undefined where it was not measured. */
  reached: number | undefined;
}

export interface Part {
  title: string;
  header: string[];
  lines: string[][];
  goals: HubGoal[];
  /** Sentences below the table. */
  notes: string[];
}

export type PublishCase = Pick<PublishOrder, 'publishers' | 'keyed'>;

export interface PublishRow extends PublishCase {
  /** One for each successful round. */
  samples: Record<PublishOrder['store'], PublishResult[]>;
}

export interface RoomRow {
  inFlight: number;
  goal: Goal;
  samples: Record<DialectName, LoadResult[]>;
}

export interface LatencyRow {
  broker: 'memory' | 'sqlite';
  climbed: LatencyResult[];
  /** At a tenth of the largest sustained rate. */
  tenth: LatencyResult | undefined;
  /** A tenth of the goal for acknowledged publications. */
  asked: number;
}

export interface CatchUpRow {
  broker: 'memory' | 'sqlite';
  /** Publications a second. */
  samples: number[];
}

/** Publications a second. */
const ACKNOWLEDGED = { memory: 100_000, sqlite: 30_000 } as const;
const OF_BARE = 0.5;
/** Milliseconds. */
const DELAY = 20;
const CAUGHT_UP = 200_000;

const NAMES: Record<DialectName, string> = { zocalo: 'Zócalo', socketio: 'Socket.IO' };

const middle = (values: number[]) => (values.length === 0 ? undefined : median(values));
const shown = (value: number | undefined) => (value === undefined ? '–' : showValue(value));

function caseTitle({ publishers, keyed }: PublishCase): string {
  return `${publishers === 1 ? '1 publisher, 64 in flight' : `${publishers} publishers`}${keyed ? ', with keys' : ''}`;
}

export function publishPart(rows: readonly PublishRow[]): Part {
  const goals: HubGoal[] = [];
  const lines = rows.map((row) => {
    const title = caseTitle(row);
    const rate = (store: PublishOrder['store']) => middle(row.samples[store].map(({ perSecond }) => perSecond));
    // The worst round, since the goal must hold in all.
    const worst =
      row.samples.sqlite.length === 0 ? undefined : Math.max(...row.samples.sqlite.map(({ delay }) => delay));
    const [memory, sqlite, bare] = [rate('memory'), rate('sqlite'), rate('bare')];
    const ofBare = sqlite === undefined || bare === undefined ? undefined : sqlite / bare;
    goals.push(
      { title: `acknowledged a second, memory, ${title}`, goal: { least: ACKNOWLEDGED.memory }, reached: memory },
      { title: `acknowledged a second, sqlite, ${title}`, goal: { least: ACKNOWLEDGED.sqlite }, reached: sqlite },
      { title: `sqlite to a bare loop, ${title}`, goal: { least: OF_BARE }, reached: ofBare },
      { title: `event-loop delay p99 in ms, sqlite, ${title}`, goal: { most: DELAY }, reached: worst },
    );
    return [title, shown(memory), shown(sqlite), shown(bare), shown(ofBare), shown(worst)];
  });
  return {
    title: 'Publications acknowledged a second, on one core, through `hub.publish`',
    header: [
      '',
      'memory',
      'sqlite',
      'bare node:sqlite',
      'sqlite/bare',
      'event-loop delay p99, ms (sqlite, worst round)',
    ],
    lines,
    goals,
    notes: [],
  };
}

export function roomPart(rows: readonly RoomRow[], connections: number): Part {
  const goals: HubGoal[] = [];
  const lines = rows.flatMap(({ inFlight, goal, samples }) => {
    const value = (name: DialectName) => middle(samples[name].map((sample) => sample.value));
    const [ours, theirs] = [value('zocalo'), value('socketio')];
    const ratio = ours === undefined || theirs === undefined ? undefined : ours / theirs;
    goals.push({
      title: `room broadcast to ${connections}, ${inFlight} in flight, to Socket.IO`,
      goal,
      reached: ratio,
    });
    return (Object.keys(NAMES) as DialectName[]).map((name) => {
      const values = samples[name].map((sample) => sample.value);
      const of = (pick: (sample: LoadResult) => number) => middle(samples[name].map(pick));
      return [
        `${NAMES[name]}, ${inFlight} in flight`,
        shown(value(name)),
        values.length === 0 ? '–' : `${showValue(Math.min(...values))} to ${showValue(Math.max(...values))}`,
        shown(of((sample) => sample.rate ?? Number.NaN)),
        ...[of((sample) => sample.serverBusy), of((sample) => sample.loadBusy)].map((share) =>
          share === undefined ? '–' : percent(share),
        ),
        name === 'zocalo' || ratio === undefined ? '' : ratio.toFixed(3),
      ];
    });
  });
  const header = ['', 'µs CPU/delivery', 'lowest to highest', 'deliveries/s', 'server busy', 'load busy', 'Zócalo/it'];
  return { title: `Server CPU of a room broadcast to ${connections}`, header, lines, goals, notes: [] };
}

/** The largest sustained rate whose smaller rates were all sustained too. */
export function largest(climbed: readonly LatencyResult[]): LatencyResult | undefined {
  return climbed.findLast(({ sustained }) => sustained);
}

export function latencyPart(rows: readonly LatencyRow[], subscribers: number): Part {
  const many = (count: number) => Math.round(count).toLocaleString('en');
  const line = (title: string, result: LatencyResult) => [
    title,
    many(result.rate),
    result.sustained ? 'yes' : 'no',
    many(result.delivered),
    shown(result.p50),
    shown(result.p99),
    percent(result.serverBusy),
    percent(result.loadBusy),
  ];
  const lines = rows.flatMap(({ broker, climbed, tenth }) => [
    ...(tenth ? [line(`${broker}, a tenth of the largest`, tenth)] : []),
    ...climbed.map((result) => line(broker, result)),
  ]);
  const notes = rows.map(({ broker, climbed, asked }) => {
    const most = largest(climbed);
    const enough = most !== undefined && most.rate >= asked;
    return (
      `${broker}: asked for was a tenth of the acknowledged goal, ${many(asked)} publications a second, which are ` +
      `${many(asked * subscribers)} deliveries; ` +
      (most ? `the largest rate sustained was ${many(most.rate)}` : 'no rate was sustained') +
      `, ${enough ? 'so that was possible' : 'so that was **not reached** in this run'}.`
    );
  });
  return {
    title: `Delivery latency from publisher to ${many(subscribers)} subscribers`,
    header: ['', 'publications/s', 'sustained', 'deliveries/s', 'p50, ms', 'p99, ms', 'server busy', 'load busy'],
    lines,
    goals: [],
    notes,
  };
}

export function catchUpPart(rows: readonly CatchUpRow[], total: number): Part {
  return {
    title: `One reader catching up with ${total.toLocaleString('en')} publications of 64 bytes`,
    header: ['', 'publications/s', 'lowest to highest'],
    lines: rows.map(({ broker, samples }) => [
      broker,
      shown(middle(samples)),
      samples.length === 0 ? '–' : `${showValue(Math.min(...samples))} to ${showValue(Math.max(...samples))}`,
    ]),
    goals: rows.map(({ broker, samples }) => ({
      title: `catch-up, publications a second, ${broker}`,
      goal: { least: CAUGHT_UP },
      reached: middle(samples),
    })),
    notes: [],
  };
}

export interface StampedeRow {
  broker: string;
  readers: number;
  stuck: number;
  sample: StampedeResult;
}

export function stampedePart(rows: readonly StampedeRow[], total: number): Part {
  const mebibytes = (bytes: number) => (bytes / 1_048_576).toFixed(0);
  return {
    title: `Readers that reconnect at once, each having missed ${total.toLocaleString('en')} publications of 64 bytes`,
    header: ['', 'KB each', 'last one live after, s', 'MB/s', 'memory before, MiB', 'at most, MiB'],
    lines: rows.map(({ broker, readers, stuck, sample: { seconds, bytesEach, before, peak } }) => [
      `${broker}, ${readers.toLocaleString('en')}${stuck > 0 ? `, and ${stuck.toLocaleString('en')} that do not read` : ''}`,
      showValue(bytesEach / 1_000),
      showValue(seconds),
      showValue((readers * bytesEach) / 1e6 / seconds),
      mebibytes(before),
      mebibytes(peak),
    ]),
    goals: rows.map(({ broker, readers, stuck, sample }) => ({
      title: `MiB of memory with ${(readers + stuck).toLocaleString('en')} that come back at once, ${broker}`,
      goal: { most: 512 },
      reached: sample.peak / 1_048_576,
    })),
    notes: [],
  };
}

export function partText({ title, header, lines, notes }: Part): string {
  return [title, ...aligned(header, lines).map((line) => `  ${line}`), ...notes].join('\n');
}

export function goalsText(parts: readonly Part[]): string {
  return goalLines(parts)
    .map(([title, goal, reached, verdict]) => `  ${title}: ${reached} (goal ${goal}), ${verdict}`)
    .join('\n');
}

/**
 * The whole text of a results file, like HUB.md. `subject`: what was measured. `script`: the npm script that writes it.
 */
export function resultsMarkdown(subject: string, script: string, setting: Setting, parts: readonly Part[]): string {
  return [
    `# Results of ${subject}`,
    '',
    `Written by \`npm run ${script}\`; what is measured and how to read it is in [README.md](README.md).`,
    '',
    ...settingLines(setting),
    '',
    '## Goals',
    '',
    markdownTable(['', 'goal', 'reached', ''], goalLines(parts)),
    '',
    '## Figures',
    '',
    ...parts.flatMap(({ title, header, lines, notes }) => [
      `### ${title}`,
      '',
      markdownTable(header, lines),
      '',
      ...notes.flatMap((note) => [note, '']),
    ]),
  ].join('\n');
}

function goalLines(parts: readonly Part[]): string[][] {
  return parts
    .flatMap(({ goals }) => goals)
    .map(({ title, goal, reached }) => [
      title,
      'most' in goal ? `≤ ${goal.most}` : `≥ ${goal.least.toLocaleString('en')}`,
      reached === undefined ? '–' : reached < 10 ? reached.toFixed(3) : showValue(reached),
      reached === undefined ? 'not measured' : isMet(goal, reached) ? 'met' : '**not met**',
    ]);
}
