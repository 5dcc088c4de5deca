import { type Broker, RedisBroker } from '../broker/index.ts';
import { Alone } from './alone.ts';
import type { Nodes } from './nodes.ts';
import { RedisNodes, type RedisNodesOptions } from './redis/index.ts';

/**
 * The nodes that share the store of a broker: with `redis` all that have the same one, else this process alone. For the
 * option `nodes` of a hub, with the same `linger`.
 *
 * @example
 * const broker = redis('redis://localhost');
 * const hub = new Hub({ broker, nodes: nodesOf(broker) });
 */
export function nodesOf(broker: Broker, options: RedisNodesOptions = {}): Nodes {
  return broker instanceof RedisBroker ? new RedisNodes(broker.access, options) : new Alone();
}
