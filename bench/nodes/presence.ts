/**
 * Members that join per second through one node, in its own process: `node bench/nodes/presence.ts
 * '<NodesPresenceOrder as JSON>'`. A join counts when this node was told of it; another node follows the same channels, and
 * must have been told of all in the end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RedisBroker } from '../../src/broker/index.ts';
import { RedisNodes } from '../../src/nodes/index.ts';

export interface NodesPresenceOrder {
  readonly address: string;
  /** Joins under way, in as many channels. Each member leaves when the join was told. */
  readonly inFlight: number;
  readonly channels: number;
  readonly seconds: number;
  readonly warmUp: number;
}

export interface NodesPresenceResult {
  readonly perSecond: number;
}

const order: NodesPresenceOrder = JSON.parse(process.argv[2]!);
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
let number = 0;
let stop = false;
const lane = async (at: number) => {
  const group = groups[at % order.channels]!;
  while (!stop) {
    const member = `user ${number++}`;
    await group.hold(member, JSON.stringify({ id: member, data: { name: member } }));
    joined++;
    group.release(member);
  }
};
const lanes = Array.from({ length: order.inFlight }, (_, at) => lane(at));
await pause(order.warmUp * 1e3);
const [before, started] = [joined, performance.now()];
await pause(order.seconds * 1e3);
const result: NodesPresenceResult = { perSecond: ((joined - before) * 1e3) / (performance.now() - started) };
stop = true;
await Promise.all(lanes);
for (let tries = 0; heard < joined && tries < 100; tries++) await pause(50);
if (heard < joined) throw new Error(`the other node was told of ${heard} joins, and there were ${joined}`);
for (const { nodes, broker } of [near, far]) {
  await nodes.close();
  await broker.close();
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
