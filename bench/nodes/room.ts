/**
 * The load of a room over two nodes, in its own process: `node bench/nodes/room.ts '<NodesOrder as JSON>'` prints a
 * NodesResult. One connection to the first node keeps messages in flight, and each reader of both nodes gets each of them;
 * the pace is set by a reader of the second node, so that each message has passed through Redis.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds } from '../account.ts';
import { MessageCounter } from '../frames.ts';
import { DIALECTS, type DialectName, enterMany, textFrame } from '../hub/dialect.ts';
import { firstMessage } from '../hub/first-message.ts';
import { Histogram } from '../hub/histogram.ts';
import { chunk, fail } from '../sockets.ts';

export interface NodesOrder {
  readonly server: DialectName;
  readonly ports: readonly [number, number];
  readonly pids: readonly [number, number];
  /** Of Redis. */
  readonly redis: number;
  /** Readers of each node. */
  readonly readers: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly warmUp: number;
}

export interface NodesResult {
  /** Messages a second. */
  readonly rate: number;
  /** Microseconds of both nodes for a delivery, and for a message. */
  readonly delivery: number;
  readonly nodes: number;
  /** Microseconds of Redis for a message. */
  readonly redis: number;
  /** Milliseconds from the sending to a reader of the other node. */
  readonly p50: number;
  readonly p99: number;
}

const order: NodesOrder = JSON.parse(process.argv[2]!);
const { readers, inFlight } = order;
const dialect = DIALECTS[order.server];
const [near, far] = [
  await enterMany(dialect, order.ports[0], 'room', readers),
  await enterMany(dialect, order.ports[1], 'room', readers),
] as const;
const [sender, pacer] = [near[0]!, far[0]!];
const payload = 'The square is where a town meets. '.repeat(order.bytes).slice(0, order.bytes);
const frame = textFrame(dialect.publish('room', payload));

await firstMessage(sender, [...near, ...far], frame, payload);

let arrived = 0;
let paced = 0;
let histogram = new Histogram();
const sentAt: number[] = [];
const send = (count: number) => {
  const now = performance.now();
  for (let n = 0; n < count; n++) sentAt.push(now);
  sender.socket.write(count === 1 ? frame : Buffer.concat(Array(count).fill(frame)));
};
for (const connection of [...near, ...far]) {
  const counter = new MessageCounter();
  const share = connection === sender ? 1 / dialect.framesToPublisher : 1;
  connection.onBytes = (length) => {
    const messages = counter.count(chunk, length);
    arrived += messages * share;
    if (connection !== pacer) return;
    const now = performance.now();
    for (let n = 0; n < messages; n++) histogram.add(now - sentAt[paced++]!);
    send(messages);
  };
}
send(inFlight);
await pause(order.warmUp * 1e3);
const cpu = () => [order.pids[0], order.pids[1], order.redis].map(cpuSeconds) as [number, number, number];
const [before, counted, begun, used] = [arrived, paced, performance.now(), cpu()];
histogram = new Histogram();
await pause(order.seconds * 1e3);
const [one, two, redis] = cpu().map((seconds, at) => (seconds - used[at]!) * 1e6) as [number, number, number];
const messages = paced - counted;
if (messages <= 0) fail('no message arrived within the window');
const result: NodesResult = {
  rate: messages / ((performance.now() - begun) / 1e3),
  delivery: (one + two) / (arrived - before),
  nodes: (one + two) / messages,
  redis: redis / messages,
  p50: histogram.percentile(0.5),
  p99: histogram.percentile(0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
