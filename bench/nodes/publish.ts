/**
 * Publications acknowledged per second through one node, in its own process: `node bench/nodes/publish.ts '<RateOrder as
 * JSON>'`. Data are texts of 64 bytes, through `hub.publish`, with keys as the SDK makes them.
 */
import { Hub, redis } from '../../src/index.ts';
import { measureRate, type RateOrder } from './rate.ts';

const order: RateOrder = JSON.parse(process.argv[2]!);
const hub = new Hub({ broker: redis(order.address), channels: { '*': {} } });
await hub.open();
let number = 0;
const result = await measureRate(order, async (at) => {
  await hub.publish(`channel:${at % order.channels}`, 'x'.repeat(64), { key: `${number++}`.padStart(22, 'k') });
});
await hub.close();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
