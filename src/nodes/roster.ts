/** Is told which names come to the cluster and leave it, each once. */
export interface RosterListener {
  onCome(name: string): void;
  onGo(name: string): void;
}

/** Names that are somewhere in the cluster, such as the users who are connected. Each is on one node or several. */
export interface Roster {
  /** The name is on this node, or not any more. What cannot be stored now is stored later. */
  add(name: string): void;
  /** `wait`: milliseconds for which it still counts, and may come back on any node; default 0. */
  remove(name: string, wait?: number): void;
  /** Each once, in no order. Rejects with LOG_…. */
  names(): Promise<string[]>;
  /** The nodes that have the name. Rejects with LOG_…. */
  nodesOf(name: string): Promise<string[]>;
  /**
   * Tells first of all names that there are; resolves then, with a function that ends it. It has one listener at a time.
   * Rejects with LOG_….
   */
  follow(listener: RosterListener): Promise<() => void>;
}
