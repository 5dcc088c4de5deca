import { FIELD, type RedisAccess } from '../../broker/index.ts';
import type { Lease } from './lease.ts';
import { heldBy } from './names.ts';
import { HELD_SCRIPT } from './scripts.ts';

export interface SweeperOptions {
  readonly access: RedisAccess;
  readonly lease: Pick<Lease, 'claim' | 'swept'>;
  /** Releases members of a group, by their names in the store, in the name of a node. */
  readonly release: (group: string, node: string, members: readonly string[]) => Promise<unknown>;
  readonly report: (what: string, cause: unknown) => void;
}

/** Partitions in one question. */
const BATCH = 256;

/** Releases what nodes held that have died, so that everybody is told that their members have left. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #sweeping = new Map<string, Promise<void>>();
  #isClosed = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Sweeps nodes that another node is not already sweeping. */
  sweep(nodes: readonly string[]): void {
    for (const node of nodes) {
      if (this.#sweeping.has(node) || this.#isClosed) continue;
      const swept = this.#sweep(node)
        .catch((cause) => this.#options.report(`the members of the node ${node} that has died are still shown`, cause))
        .finally(() => this.#sweeping.delete(node));
      this.#sweeping.set(node, swept);
    }
  }

  /** Another node finishes what was begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#sweeping.values());
  }

  async #sweep(node: string): Promise<void> {
    const { access, lease } = this.#options;
    if (!(await lease.claim(node))) return;
    for (let from = 0; from < access.partitions; from += access.isCluster ? 1 : BATCH) {
      const partitions = Array.from({ length: access.isCluster ? 1 : BATCH }, (_, at) => from + at);
      while (await this.#sweepSome(node, partitions)) if (this.#isClosed) return;
    }
    await lease.swept(node);
  }

  /** False when nothing is left there. */
  async #sweepSome(node: string, partitions: readonly number[]): Promise<boolean> {
    const { access, release } = this.#options;
    const keys = partitions.map((partition) => heldBy(access, partition, node));
    const held = ((await access.run(partitions[0]!, HELD_SCRIPT, keys, [])) as string[][]).flat();
    const groups = Map.groupBy(held, (one) => one.slice(0, one.indexOf(FIELD)));
    const released = [...groups].map(([group, members]) =>
      release(
        group,
        node,
        members.map((one) => one.slice(one.indexOf(FIELD) + 1)),
      ),
    );
    await Promise.all(released);
    return held.length > 0;
  }
}
