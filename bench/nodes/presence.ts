/**
 * Members that join per second through one node, in its own process: `node bench/nodes/presence.ts '<RateOrder as
 * JSON>'`. Each leaves when its join was told. A join counts when this node was told of it; another node follows the same
 * channels, and must have been told of all in the end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RedisBroker } from '../../src/broker/index.ts';
import { RedisNodes } from '../../src/nodes/index.ts';
import { measureRate, type RateOrder } from './rate.ts';

const order: RateOrder = JSON.parse(process.argv[2]!);
const open = async () => {
  const broker = new RedisBroker(order.address);
  await broker.open();
  const nodes = new RedisNodes(broker.access);
  await nodes.open();
  return { broker, nodes };
};
const [near, far] = [await open(), await open()];
let heard = 0;
const follow = async ({ nodes }: typeof near, channel: number, onShown: () => void) => {
  const group = nodes.membership.follow(`members:room:${channel}`, { onShown, onGone: () => {} });
  await group.ready;
  return group;
};
const groups = await Promise.all(Array.from({ length: order.channels }, (_, at) => follow(near, at, () => {})));
for (let at = 0; at < order.channels; at++) await follow(far, at, () => heard++);

let joined = 0;
const result = await measureRate(order, async (at) => {
  const group = groups[at % order.channels]!;
  const member = `user ${joined++}`;
  await group.hold(member, JSON.stringify({ id: member, data: { name: member } }));
  group.release(member);
});
for (let tries = 0; heard < joined && tries < 100; tries++) await pause(50);
if (heard < joined) throw new Error(`the other node was told of ${heard} joins, and there were ${joined}`);
for (const { nodes, broker } of [near, far]) {
  await nodes.close();
  await broker.close();
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
