/**
 * Many readers that reconnect at once and have missed the same: `node bench/hub/stampede.ts '<StampedeOrder as JSON>'`
 * prints a StampedeResult. They are connected first, then all subscribe from the start of the log with the credit that
 * the protocol allows, and renew it in halves, like the SDK. `stuck` more subscribe and never read.
 */
import { readFileSync } from 'node:fs';
import { chunk, fail, open } from '../sockets.ts';
import { textFrame } from './dialect.ts';

export interface StampedeOrder {
  port: number;
  /** The server's process. */
  pid: number;
  readers: number;
  stuck: number;
  /** Publications in the log. */
  total: number;
}

export interface StampedeResult {
  /** Until the last reader was live. */
  seconds: number;
  /** Bytes per reader, on average. */
  bytesEach: number;
  /** The server's memory: with all connected, and the peak until the last one was live. */
  before: number;
  peak: number;
}

const CREDIT = 10_000;
const AT_ONCE = 200;
const LIVE = Buffer.from('["live",');
const order: StampedeOrder = JSON.parse(process.argv[2]!);
const memory = (name: 'VmRSS' | 'VmHWM') =>
  1_024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${order.pid}/status`, 'utf8'))![1]);

type Reader = Awaited<ReturnType<typeof open>>['connection'];
const headers = 'Sec-WebSocket-Protocol: zocalo.1\r\n';
const say = (reader: Reader, ...line: unknown[]) => reader.socket.write(textFrame(JSON.stringify(line)));

/** A connection that has sent hi. */
async function enter(): Promise<Reader> {
  const { connection } = await open(order.port, { headers });
  await new Promise<void>((resolve) => {
    connection.onBytes = () => resolve();
    say(connection, 'hi', 1, {});
  });
  return connection;
}

const readers: Reader[] = [];
while (readers.length < order.readers + order.stuck) {
  const count = Math.min(AT_ONCE, order.readers + order.stuck - readers.length);
  readers.push(...(await Promise.all(Array.from({ length: count }, enter))));
}
const epoch = await new Promise<string>((resolve) => {
  const [first] = readers;
  first!.onBytes = (length) => {
    const [, found] = /"epoch":"([^"]+)"/.exec(chunk.toString('latin1', 0, length)) ?? [];
    if (found) resolve(found);
  };
  say(first!, 'get', 2, 'history', 'log', { limit: 1 });
});

const before = memory('VmRSS');
let bytes = 0;
const started = performance.now();
for (const reader of readers.slice(order.readers)) {
  reader.socket.pause();
  say(reader, 'sub', 3, 'log', { at: [epoch, 0], credit: CREDIT });
}
await Promise.all(
  readers.slice(0, order.readers).map(
    (reader) =>
      new Promise<void>((resolve) => {
        let tail = Buffer.alloc(0);
        reader.onBytes = (length) => {
          bytes += length;
          const end = chunk.subarray(Math.max(0, length - 64), length);
          if (Buffer.concat([tail, end]).includes(LIVE)) {
            reader.onBytes = () => {};
            resolve();
          }
          tail = Buffer.from(end);
        };
        say(reader, 'sub', 3, 'log', { at: [epoch, 0], credit: CREDIT });
      }),
  ),
);
const seconds = (performance.now() - started) / 1e3;
const bytesEach = bytes / order.readers;
if (bytesEach < order.total * 64) fail(`only ${bytesEach} bytes came for each reader`);
const result: StampedeResult = { seconds, bytesEach, before, peak: memory('VmHWM') };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
