import type { HubGoal, Part } from '../hub/report.ts';
import { median, percent, showValue } from '../report.ts';
import type { ApiResult } from './load.ts';

/** From the API's samples to a table: pure, without measurements and files. */

export interface ApiRow {
  store: 'memory' | 'sqlite';
  /** Publications of one request. */
  batch: number;
  samples: ApiResult[];
}

/** Publications a second: one a request, and many. */
const GOALS = { single: 10_000, batch: 30_000 };

export function apiPart(rows: readonly ApiRow[], connections: number): Part {
  const goals: HubGoal[] = [];
  const lines = rows.map(({ store, batch, samples }) => {
    const title = `${store}, ${batch === 1 ? 'one a request' : `${batch.toLocaleString('en')} a request`}`;
    const of = (pick: (result: ApiResult) => number) => median(samples.map(pick));
    const rates = samples.map(({ perSecond }) => perSecond);
    const least = batch === 1 ? GOALS.single : GOALS.batch;
    goals.push({ title: `published a second, ${title}`, goal: { least }, reached: median(rates) });
    return [
      title,
      showValue(median(rates)),
      `${showValue(Math.min(...rates))} to ${showValue(Math.max(...rates))}`,
      of(({ cpu }) => cpu).toFixed(1),
      percent(of(({ serverBusy }) => serverBusy)),
      percent(of(({ loadBusy }) => loadBusy)),
    ];
  });
  return {
    title: `Publications acknowledged a second by HTTP, ${connections} connections kept alive`,
    header: ['', 'publications/s', 'lowest to highest', 'µs CPU each', 'server busy', 'load busy'],
    lines,
    goals,
    notes: [],
  };
}
