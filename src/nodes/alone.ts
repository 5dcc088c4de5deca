import type { Group, GroupListener, Membership } from './membership.ts';
import type { Nodes } from './nodes.ts';

/** A group that only this process knows: what it says is so at once, and its listener is the only one to remember it. */
class OwnGroup implements Group {
  readonly ready = undefined;
  readonly #listener: GroupListener;

  constructor(listener: GroupListener) {
    this.#listener = listener;
  }

  hold(member: string, shown: string): undefined {
    this.#listener.onShown(member, shown);
  }

  waver(): void {}

  release(member: string): void {
    this.#listener.onGone(member);
  }

  /** Nobody is left to whom those who waver could be shown. */
  close(): void {}
}

/** The only node: it stores nothing, and costs nothing. */
export class Alone implements Nodes {
  readonly membership: Membership = {
    follow: (_, listener) => new OwnGroup(listener),
    members: async () => new Map(),
    counts: async (groups) => groups.map(() => 0),
  };

  readonly others = undefined;

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}
