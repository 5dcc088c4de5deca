/**
 * Publications over HTTP, from its own process: `node bench/api/load.ts '<ApiOrder as JSON>'` prints an ApiResult.
 * Keep-alive sockets, each with one request in flight.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Connection, chunk, fail } from '../sockets.ts';
import { stopwatch } from '../stopwatch.ts';

export interface ApiOrder {
  port: number;
  /** The server's process, whose CPU time is read. */
  pid: number;
  key: string;
  /** Publications of one request; 1: /api/publish, more: /api/batch. */
  batch: number;
  connections: number;
  seconds: number;
  warmUp: number;
}

export interface ApiResult {
  /** Publications acknowledged a second of wall clock. */
  perSecond: number;
  /** Microseconds of the server's CPU time for each. */
  cpu: number;
  serverBusy: number;
  loadBusy: number;
}

const CHANNEL = 'bench';
/** Its data have 63 bytes, in UTF-8. */
const PUBLICATION = { channel: CHANNEL, data: { title: 'The square is where a town meets', body: '…'.repeat(3) } };
/** The end of the answer to each publication, which appears nowhere else in an answer. */
const END = '}'.charCodeAt(0);

const order: ApiOrder = JSON.parse(process.argv[2]!);
const { port, batch } = order;
const body = JSON.stringify(batch === 1 ? PUBLICATION : Array.from({ length: batch }, () => PUBLICATION));
const request = Buffer.from(
  `POST /api/${batch === 1 ? 'publish' : 'batch'} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
    `Authorization: Bearer ${order.key}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);

/** How many publications the log has, to compare with the count. */
async function head(): Promise<number> {
  const headers = { authorization: `Bearer ${order.key}` };
  const answer = await fetch(`http://127.0.0.1:${port}/api/history?channel=${CHANNEL}&limit=1`, { headers });
  return ((await answer.json()) as { head: number }).head;
}

let acknowledged = 0;
let isOver = false;
const idle = Array.from({ length: order.connections }, () => {
  const connection = new Connection(port);
  const done = Promise.withResolvers<void>();
  let missing = batch;
  connection.onBytes = (length) => {
    const bytes = chunk.subarray(0, length);
    if (missing === batch && bytes.toString('latin1', 0, 12) !== 'HTTP/1.1 200') fail(bytes.toString());
    for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, at + 1)) missing--;
    if (missing > 0) return;
    missing = batch;
    acknowledged += batch;
    if (isOver) done.resolve();
    else connection.socket.write(request);
  };
  connection.socket.write(request);
  return done.promise;
});

await pause(order.warmUp * 1e3);
const before = acknowledged;
const watch = stopwatch(order.pid);
await pause(order.seconds * 1e3);
const { wall, server, load } = watch();
const count = acknowledged - before;
isOver = true;
await Promise.all(idle);
if ((await head()) !== acknowledged) fail(`${acknowledged} were acknowledged, and the log has ${await head()}`);
const result: ApiResult = {
  perSecond: count / wall,
  cpu: (server * 1e6) / count,
  serverBusy: server / wall,
  loadBusy: load / wall,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
