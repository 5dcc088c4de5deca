import type { LoadResult } from './load.ts';
import type { Goal, Measure, ServerName, Workload } from './workloads.ts';

/** From samples to tables: pure, without measurements and files. */

export interface Row {
  server: ServerName;
  /** One for each successful round. */
  samples: LoadResult[];
  /** Why the other rounds failed. */
  error?: string;
}

export interface Section {
  workload: Workload;
  rows: Row[];
}

export interface Setting {
  date: string;
  machine: string;
  system: string;
  /** One for each measured server. */
  versions: string[];
  method: string;
  /** What was left out or not as usual. */
  remarks: string[];
}

export const TITLES: Record<ServerName, string> = {
  zocalo: 'Zócalo',
  uws: 'uWebSockets.js',
  ws: 'ws',
  bun: 'Bun',
};

const UNITS: Record<Measure, string> = {
  messages: 'µs CPU/message',
  memory: 'KiB/connection',
  connections: 'connections/CPU second',
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** This engine's median over the peer's, or nothing where either is missing. */
export function ratio(section: Section, peer: ServerName): number | undefined {
  const [ours, theirs] = [medianOf(section, 'zocalo'), medianOf(section, peer)];
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

export function isMet(goal: Goal, reached: number): boolean {
  return 'most' in goal ? reached <= goal.most : reached >= goal.least;
}

/** One workload for the terminal. */
export function sectionText(section: Section): string {
  const { header, lines } = table(section);
  const text = aligned(header, lines);
  return [describe(section.workload), ...text.map((line) => `  ${line}`), ...failures(section)].join('\n');
}

/** A table for the terminal, one string a line. */
export function aligned(header: string[], lines: string[][]): string[] {
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  return all.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** The goals for the terminal, one a line. */
export function goalsText(sections: readonly Section[]): string {
  return goalLines(sections)
    .map(({ title, peer, goal, reached }) => `  ${title}, to ${TITLES[peer]}: ${verdict(goal, reached)}`)
    .join('\n');
}

/** The whole of RESULTS.md. */
export function markdown(setting: Setting, sections: readonly Section[]): string {
  const goals = goalLines(sections).map(({ title, peer, goal, reached }) => [
    title,
    TITLES[peer],
    showGoal(goal),
    reached === undefined ? '–' : showRatio(reached),
    reached === undefined ? 'not measured' : isMet(goal, reached) ? 'met' : '**not met**',
  ]);
  const details = sections.map((section) => {
    const { header, lines } = table(section);
    return [`### ${describe(section.workload)}`, '', markdownTable(header, lines), ...failures(section), ''].join('\n');
  });
  return [
    '# Results',
    '',
    'Written by `npm run bench`; what is measured and how to read it is in [README.md](README.md).',
    '',
    ...settingLines(setting),
    '',
    '## Goals',
    '',
    "Each ratio is Zócalo's median over the peer's, from the same run.",
    '',
    markdownTable(['workload', 'peer', 'goal', 'reached', ''], goals),
    '',
    '## Figures',
    '',
    ...details,
  ].join('\n');
}

export function settingLines(setting: Setting): string[] {
  return [
    `- Date: ${setting.date}`,
    `- Machine: ${setting.machine}`,
    `- System: ${setting.system}`,
    ...setting.versions.map((version) => `- ${version}`),
    `- ${setting.method}`,
    ...setting.remarks.map((remark) => `- Remark: ${remark}`),
  ];
}

function goalLines(sections: readonly Section[]) {
  return sections.flatMap((section) =>
    (Object.entries(section.workload.goals) as [ServerName, Goal][]).map(([peer, goal]) => ({
      title: section.workload.title,
      peer,
      goal,
      reached: ratio(section, peer),
    })),
  );
}

function describe(workload: Workload): string {
  const what = workload.measure === 'messages' ? `, ${workload.bytes.toLocaleString('en')} bytes` : '';
  return `${workload.title} (${workload.connections.toLocaleString('en')} connections${what})`;
}

function table(section: Section): { header: string[]; lines: string[][] } {
  const { measure } = section.workload;
  const header = ['server', UNITS[measure], 'lowest to highest'];
  if (measure !== 'memory') header.push(measure === 'messages' ? 'messages/s' : 'connections/s');
  header.push('server busy', 'load busy', 'Zócalo/it');
  const lines = section.rows
    .filter(({ samples }) => samples.length > 0)
    .map(({ server, samples }) => {
      const values = samples.map(({ value }) => value);
      const line = [
        TITLES[server],
        showValue(median(values)),
        `${showValue(Math.min(...values))} to ${showValue(Math.max(...values))}`,
      ];
      if (measure !== 'memory') line.push(showValue(median(samples.map(({ rate }) => rate ?? Number.NaN))));
      line.push(percent(median(samples.map((sample) => sample.serverBusy))));
      line.push(percent(median(samples.map((sample) => sample.loadBusy))));
      const reached = server === 'zocalo' ? undefined : ratio(section, server);
      line.push(reached === undefined ? '' : showRatio(reached));
      return line;
    });
  return { header, lines };
}

function failures(section: Section): string[] {
  return section.rows.flatMap(({ server, error }) => (error ? ['', `${TITLES[server]} failed: ${error}`] : []));
}

function medianOf(section: Section, server: ServerName): number | undefined {
  const samples = section.rows.find((row) => row.server === server)?.samples ?? [];
  return samples.length === 0 ? undefined : median(samples.map(({ value }) => value));
}

function verdict(goal: Goal, reached: number | undefined): string {
  if (reached === undefined) return `not measured (goal ${showGoal(goal)})`;
  return `${showRatio(reached)}, goal ${showGoal(goal)}: ${isMet(goal, reached) ? 'met' : 'NOT MET'}`;
}

export const showGoal = (goal: Goal) => ('most' in goal ? `≤ ${goal.most}` : `≥ ${goal.least}`);
export const showRatio = (value: number) => value.toFixed(3);
export const percent = (share: number) => `${Math.round(share * 100)} %`;

export function showValue(value: number): string {
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en');
}

export function markdownTable(header: string[], lines: string[][]): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [row(header), row(header.map((_, column) => (column === 0 ? '---' : '---:'))), ...lines.map(row)].join('\n');
}
