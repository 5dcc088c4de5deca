/**
 * Rows of an outbox, from commit to log: `node bench/sources/outbox.ts '<OutboxOrder as JSON>'` prints an OutboxResult as
 * JSON. The log is an SQLite file that is as durable as the daemon's.
 */
import { sqlite } from '../../src/broker/index.ts';
import { systemClock } from '../../src/clock.ts';
import { Hub } from '../../src/hub/index.ts';
import { dialectOf, OutboxConsumer, openOutbox } from '../../src/sources/databases/index.ts';
import { Histogram } from '../hub/histogram.ts';
import { program } from '../machine.ts';
import { commitRows, now, type RowsOrder } from './rows.ts';
import type { WriterOrder } from './writer.ts';

export interface OutboxOrder extends RowsOrder {
  /** Of a database whose outbox is empty. */
  readonly address: string;
  /** The log's file, which is new. */
  readonly log: string;
  /** Whether all rows are there before it begins; otherwise another process commits them meanwhile. */
  readonly isBacklog: boolean;
}

export interface OutboxResult {
  readonly perSecond: number;
  /** Milliseconds from the answer to COMMIT until the publication is in the log; null for a backlog. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Microseconds of this process's CPU for a row. */
  readonly cpu: number;
}

const TABLE = 'zocalo_outbox';

const order = JSON.parse(process.argv[2]!) as OutboxOrder;
const { address, rows, size, isBacklog } = order;
const hub = new Hub({ broker: sqlite(order.log), channels: { '*': { history: { size: 1_000_000 } } } });
await hub.open();
/** By the rows' numbers. */
const arrivals = new Float64Array(rows);
let arrived = 0;
const { promise: done, resolve, reject } = Promise.withResolvers<void>();
hub.observe({
  onPublished({ data }) {
    arrivals[Number(/"n":(\d+)/.exec(data)![1])] = now();
    if (++arrived === rows) resolve();
  },
});
const consumer = new OutboxConsumer({
  name: 'bench',
  open: (onWake) => openOutbox(address, TABLE, onWake),
  log: hub,
  clock: systemClock,
  random: Math.random,
  onFailed: reject,
  onBusy: () => {},
  onRecovered: () => {},
  onAside: reject,
});
if (isBacklog) {
  const session = await dialectOf(address)!.connect(address, '', () => {});
  await commitRows(session, TABLE, order);
  session.close();
}
const latencies = new Histogram();
let started = now();
const cpu = process.cpuUsage();
consumer.start();
if (!isBacklog) {
  const writer: WriterOrder = { ...order, table: TABLE };
  const committed = await Promise.race([program<number[]>('sources/writer.ts', writer, undefined), done.then(never)]);
  started = committed[0]!;
  await done;
  // A row may be in the log before the answer to its COMMIT has arrived.
  for (const [row, at] of arrivals.entries()) latencies.add(Math.max(0, at - committed[Math.floor(row / size)]!));
}
await done;
const seconds = (now() - started) / 1e3;
const { user, system } = process.cpuUsage(cpu);
await consumer.close();
await hub.close();
const result: OutboxResult = {
  perSecond: rows / seconds,
  p50: isBacklog ? null : latencies.percentile(0.5),
  p99: isBacklog ? null : latencies.percentile(0.99),
  cpu: (user + system) / rows,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());

/** The rows may be there before their writer has ended; but a failure is told at once. */
function never(): Promise<never> {
  return new Promise(() => {});
}
