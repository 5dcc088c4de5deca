/**
 * Publications acknowledged per second through one node, in its own process: `node bench/nodes/publish.ts
 * '<NodesPublishOrder as JSON>'`. Data are texts of 64 bytes, through `hub.publish`, with keys as the SDK makes them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Hub, redis } from '../../src/index.ts';

export interface NodesPublishOrder {
  readonly address: string;
  /** Publications under way, in as many channels. */
  readonly inFlight: number;
  readonly channels: number;
  readonly seconds: number;
  readonly warmUp: number;
}

export interface NodesPublishResult {
  readonly perSecond: number;
}

const order: NodesPublishOrder = JSON.parse(process.argv[2]!);
const hub = new Hub({ broker: redis(order.address), channels: { '*': {} } });
await hub.open();
let acknowledged = 0;
let number = 0;
let stop = false;
const lane = async (channel: string) => {
  while (!stop) {
    await hub.publish(channel, 'x'.repeat(64), { key: `${number++}`.padStart(22, 'k') });
    acknowledged++;
  }
};
const lanes = Array.from({ length: order.inFlight }, (_, at) => lane(`channel:${at % order.channels}`));
await pause(order.warmUp * 1e3);
const [before, started] = [acknowledged, performance.now()];
await pause(order.seconds * 1e3);
const result: NodesPublishResult = { perSecond: ((acknowledged - before) * 1e3) / (performance.now() - started) };
stop = true;
await Promise.all(lanes);
await hub.close();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
