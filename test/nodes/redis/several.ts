import type { TestContext } from 'node:test';
import { RedisBroker } from '../../../src/broker/index.ts';
import { RedisNodes, type RedisNodesOptions } from '../../../src/nodes/index.ts';

export interface Node {
  readonly broker: RedisBroker;
  readonly nodes: RedisNodes;
}

/** One node of several, in this process, closed when the test is over. */
export async function openNode(
  t: TestContext,
  address: string,
  { prefix, ...options }: RedisNodesOptions & { prefix?: string } = {},
): Promise<Node> {
  const times = { answerTimeout: 1_000, connectTimeout: 1_000 };
  const broker = new RedisBroker(address, { ...times, ...(prefix !== undefined && { prefix }) });
  await broker.open();
  t.after(() => broker.close());
  const nodes = new RedisNodes(broker.access, options);
  await nodes.open();
  t.after(() => nodes.close());
  return { broker, nodes };
}
