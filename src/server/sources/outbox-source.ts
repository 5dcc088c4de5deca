import { type Hub, isOwn } from '../../hub/index.ts';
import { isChannel, ProtocolError } from '../../protocol/index.ts';
import type { ConsumerOptions, ConsumerStatus, NotificationListener, OutboxConsumer } from '../../sources/index.ts';
import type { OutboxConfig } from '../config/index.ts';
import { rowHealth, seconds } from '../row-health.ts';
import { FAILURES, type Source, type SourceDetails, type SourceMetric, type SourceParts, UP } from './source.ts';

const METRICS: readonly (SourceMetric & { readonly read: (status: ConsumerStatus) => number | undefined })[] = [
  { ...UP, read: ({ error }) => (error ? 0 : 1) },
  {
    name: 'zocalo_source_rows_waiting',
    kind: 'gauge',
    help: 'Rows that wait in an outbox.',
    read: ({ waiting }) => waiting,
  },
  {
    name: 'zocalo_source_rows_aside',
    kind: 'gauge',
    help: 'Rows that were set aside with an error.',
    read: ({ aside }) => aside,
  },
  {
    name: 'zocalo_source_read_lag_seconds',
    kind: 'gauge',
    help: 'Age of the oldest waiting row.',
    read: ({ lag }) => seconds(lag),
  },
  {
    name: 'zocalo_source_rows_total',
    kind: 'counter',
    help: 'Rows that were published.',
    read: ({ published }) => published,
  },
  { ...FAILURES, read: ({ failures }) => failures },
];

/** The outbox of an application's database. */
export class OutboxSource implements Source {
  /** Several may read one outbox. */
  readonly place = undefined;
  readonly #consumer: OutboxConsumer;
  readonly #place: string;
  /** Where notifications do not come by the way of the rows. */
  readonly #listener: NotificationListener | undefined;

  constructor(
    name: string,
    { database, table, notifications }: OutboxConfig,
    { hub, log, metrics, clock, random }: SourceParts,
    {
      NotificationListener,
      OutboxConsumer,
      openNotifications,
      openOutbox,
      placeOf,
    }: typeof import('../../sources/index.ts'),
  ) {
    const source = { source: name, database: placeOf(database), table };
    this.#place = `${table} of ${source.database}`;
    this.#consumer = new OutboxConsumer({
      name,
      open: (onWake) => openOutbox(database, table, notifications === undefined ? onWake : undefined),
      log: offeredOf(hub),
      clock,
      random,
      onFailed: (err, pause) => {
        metrics.failed(err);
        log.write('error', `source ${name}`, { ...source, err, again: Math.round(pause) }, 'a source failed');
      },
      onBusy: (err) => metrics.failed(err),
      onRecovered: () => log.write('info', `source ${name} works`, source, 'a source works again'),
      onAside: (err) => {
        metrics.failed(err);
        log.write('error', `source ${name} row`, { ...source, err }, 'a row of an outbox was set aside');
      },
    });
    if (notifications === undefined) return;
    const hearing = { ...source, database: placeOf(notifications) };
    this.#listener = new NotificationListener({
      name,
      open: (onWake) => openNotifications(notifications, table, onWake),
      onWake: () => this.#consumer.wake(),
      clock,
      random,
      onFailed: (err, pause) => {
        metrics.failed(err);
        const fields = { ...hearing, err, again: Math.round(pause) };
        log.write('warn', `source ${name} hears`, fields, 'a source is not told of new rows, and has to ask for them');
      },
      onBusy: (err) => metrics.failed(err),
      onRecovered: () => log.write('info', `source ${name} hears again`, hearing, 'a source is told of new rows again'),
    });
  }

  start(): void {
    this.#consumer.start();
    this.#listener?.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#consumer.close(), this.#listener?.close()]);
  }

  health(): ReturnType<Source['health']> {
    return rowHealth(this.#consumer.status);
  }

  details(): SourceDetails {
    const { error, failures, published } = this.#consumer.status;
    const all = failures + (this.#listener?.failures ?? 0);
    return { kind: 'database', place: this.#place, message: error?.happened, failures: all, published };
  }

  *measures(): Iterable<readonly [SourceMetric, number]> {
    const { status } = this.#consumer;
    for (const metric of METRICS) {
      const value = metric.read(status);
      const more = metric.name === FAILURES.name ? (this.#listener?.failures ?? 0) : 0;
      if (value !== undefined) yield [metric, value + more];
    }
  }
}

/**
 * Refuses rows for channels that nobody could read: they would be deleted, and never be seen. And those for the daemon's
 * own channels: a column that users fill may be a part of the name.
 */
function offeredOf(hub: Hub): ConsumerOptions['log'] {
  return {
    history: (...all) => hub.history(...all),
    publish: (channel, data, options) => {
      const sentence = isOwn(channel)
        ? `${channel} is one of the daemon's own channels`
        : isChannel(channel) && !hub.offers(channel)
          ? `${channel} matches no entry of the key channels, so that nobody could read it`
          : undefined;
      if (sentence !== undefined) return Promise.reject(new ProtocolError('NOT_OFFERED', sentence));
      return hub.publish(channel, data, options);
    },
  };
}
