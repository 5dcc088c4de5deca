/**
 * Delivery latency, in its own process: `node bench/hub/latency.ts '<LatencyOrder as JSON>'` prints a list of
 * LatencyResult. A publisher on a WebSocket publishes at one rate after the other, and all subscribers are read here,
 * so that one clock measures when each publication was passed to the socket and when it arrived.
 *
 * A rate is sustained when everything has arrived `LATE` after it was sent, and this load itself could send on time.
 * With `climb`, two rates in a row that are not sustained end the run: a single one may be an accident.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MessageCounter } from '../frames.ts';
import { chunk } from '../sockets.ts';
import { stopwatch } from '../stopwatch.ts';
import { DIALECTS, enter, enterMany, textFrame } from './dialect.ts';
import { Histogram } from './histogram.ts';

export interface LatencyOrder {
  port: number;
  pid: number;
  subscribers: number;
  /** Publications a second. */
  rates: number[];
  climb: boolean;
  seconds: number;
  warmUp: number;
}

export interface LatencyResult {
  rate: number;
  sustained: boolean;
  /** Milliseconds; of what arrived. */
  p50: number;
  p99: number;
  /** Deliveries a second. */
  delivered: number;
  serverBusy: number;
  loadBusy: number;
}

/** Milliseconds within which all must have arrived. */
const LATE = 250;
const ROOM = 'wide';

const order: LatencyOrder = JSON.parse(process.argv[2]!);
const publisher = await enter(DIALECTS.zocalo, order.port, 'elsewhere');
const subscribers = await enterMany(DIALECTS.zocalo, order.port, ROOM, order.subscribers);
const frame = textFrame(DIALECTS.zocalo.publish(ROOM, 'x'.repeat(64)));

const sentAt: number[] = [];
let arrived = 0;
let histogram = new Histogram();
/** Publications from this one on count. */
let countFrom = 0;
for (const { connection, counter } of subscribers.map((connection) => ({
  connection,
  counter: new MessageCounter(),
}))) {
  let next = 0;
  connection.onBytes = (length) => {
    const now = performance.now();
    const to = next + counter.count(chunk, length);
    arrived += to - next;
    for (; next < to; next++) if (next >= countFrom) histogram.add(now - (sentAt[next] ?? now));
  };
}

/** Publishes for a while, each millisecond what is due. Returns how far behind it was at the end, in publications. */
async function publishAt(rate: number, seconds: number): Promise<number> {
  const started = performance.now();
  let sent = 0;
  for (;;) {
    const now = performance.now();
    if (now >= started + seconds * 1e3) return rate * seconds - sent;
    const due = Math.floor(((now - started) * rate) / 1e3) - sent;
    // What this load could not send on time waits: a burst would be a different load.
    const count = Math.min(due, Math.ceil(rate / 100));
    if (count > 0) {
      for (let at = 0; at < count; at++) sentAt.push(now);
      publisher.socket.write(count === 1 ? frame : Buffer.concat(Array(count).fill(frame)));
      sent += count;
    }
    await pause(1);
  }
}

const results: LatencyResult[] = [];
for (const rate of order.rates) {
  await publishAt(rate, order.warmUp);
  await pause(LATE);
  countFrom = sentAt.length;
  histogram = new Histogram();
  const watch = stopwatch(order.pid);
  const behind = await publishAt(rate, order.seconds);
  const { wall, server, load } = watch();
  await pause(LATE);
  const sustained = arrived === sentAt.length * order.subscribers && behind <= rate * order.seconds * 0.02 + 1;
  results.push({
    rate,
    sustained,
    p50: histogram.percentile(0.5),
    p99: histogram.percentile(0.99),
    delivered: histogram.total / wall,
    serverBusy: server / wall,
    loadBusy: load / wall,
  });
  if (order.climb && !sustained && results.at(-2)?.sustained === false) break;
}
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit());
