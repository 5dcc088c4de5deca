import { type ClusterMap, isSameMap } from './cluster-map.ts';

/** What is known of a cluster's slots, and who wants to know of changes. */
export class Topology {
  readonly #ask: (first?: string) => Promise<ClusterMap>;
  readonly #listeners: ((map: ClusterMap) => void)[] = [];
  #map: ClusterMap = { homes: [], primaries: [] };
  #asking: Promise<void> | undefined;

  /** `ask` asks a server of the cluster, if it can this one. Rejects with a code. */
  constructor(ask: (first?: string) => Promise<ClusterMap>) {
    this.#ask = ask;
  }

  get map(): ClusterMap {
    return this.#map;
  }

  onChange(listener: (map: ClusterMap) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Asks a server, one at a time: `first`, if that is known to know more than the others, which hear of a change later.
   * Rejects with a code.
   */
  refresh(first?: string): Promise<void> {
    if (this.#asking && first === undefined) return this.#asking;
    const before = this.#asking ?? Promise.resolve();
    const asking = before
      .catch(() => {}) // its own caller was told
      .then(() => this.#ask(first))
      .then((map) => this.take(map))
      .finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    this.#asking = asking;
    return asking;
  }

  take(map: ClusterMap): void {
    if (this.#map.homes.length > 0 && isSameMap(this.#map, map)) return;
    this.#map = map;
    for (const listener of this.#listeners) listener(map);
  }
}
