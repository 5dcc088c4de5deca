import type { Broker } from '../broker/index.ts';
import type { Nodes } from '../nodes/index.ts';

/** Opens the broker, then the other nodes; both or none. Rejects as they do. */
export async function openStore(broker: Broker, nodes: Nodes): Promise<void> {
  await broker.open();
  try {
    await nodes.open();
  } catch (error) {
    await nodes.close();
    await broker.close();
    throw error;
  }
}
