import type { Queueing } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { SinkWriter, WriterStatus } from '../../sources/index.ts';
import type { Metrics, ThrottledLog } from '../operations/index.ts';
import { seconds } from '../row-health.ts';
import type { Sink } from './sinks-of.ts';

/** What every sink is given. */
export interface WritingParts {
  readonly log: ThrottledLog;
  readonly metrics: Pick<Metrics, 'failed'>;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

type Floor = typeof import('../../sources/index.ts');

/** The writer of one sink. `store`: the name of the store that has its queue. */
export function writerOf(
  name: string,
  { address, table, columns }: Sink,
  { queue, store }: { readonly queue: Queueing; readonly store: () => string },
  { log, metrics, clock, now, random }: WritingParts,
  { SinkWriter, openTable, placeOf, rowTemplate }: Floor,
): SinkWriter {
  const sink = { sink: name, database: placeOf(address), table };
  return new SinkWriter({
    name,
    queue: {
      page: (bounds) => queue.queued(name, bounds),
      settle: (upTo) => queue.settle(name, upTo),
      setAside: (place, reason) => queue.setAside(name, place, reason),
      state: () => queue.queueState(name),
    },
    row: rowTemplate(columns),
    open: () => openTable({ address, table, columns: Object.keys(columns), sink: name, store: store() }),
    clock,
    now,
    random,
    onFailed: (err, pause) => {
      metrics.failed(err);
      log.write('error', `sink ${name}`, { ...sink, err, again: Math.round(pause) }, 'a sink failed');
    },
    onBusy: (err) => metrics.failed(err),
    onRecovered: () => log.write('info', `sink ${name} works`, sink, 'a sink works again'),
    onAside: (err) => {
      metrics.failed(err);
      log.write('error', `sink ${name} row`, { ...sink, err }, 'a publication was not written, and set aside');
    },
  });
}

/** What is measured of a sink. */
export const METRICS: readonly {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly read: (status: WriterStatus) => number | undefined;
}[] = [
  { name: 'zocalo_sink_up', kind: 'gauge', help: 'Whether a sink works.', read: ({ error }) => (error ? 0 : 1) },
  {
    name: 'zocalo_sink_rows_waiting',
    kind: 'gauge',
    help: 'Publications that wait to be written.',
    read: ({ waiting }) => waiting,
  },
  {
    name: 'zocalo_sink_rows_aside',
    kind: 'gauge',
    help: 'Publications that were set aside.',
    read: ({ aside }) => aside,
  },
  {
    name: 'zocalo_sink_lag_seconds',
    kind: 'gauge',
    help: 'Age of the oldest publication that waits.',
    read: ({ lag }) => seconds(lag),
  },
  {
    name: 'zocalo_sink_rows_total',
    kind: 'counter',
    help: 'Rows that were written.',
    read: ({ written }) => written,
  },
  {
    name: 'zocalo_sink_failures_total',
    kind: 'counter',
    help: 'Failures of a sink.',
    read: ({ failures }) => failures,
  },
];
