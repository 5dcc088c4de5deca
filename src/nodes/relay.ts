/** Is told of a publication that another node has passed on. `meta`: JSON text, or null. */
export type RelayListener = (channel: string, data: string, meta: string | null) => void;

/** Publications that no log keeps, from node to node. Each node is told at most once, in no order with what is in logs. */
export interface Relay {
  /** Tells the other nodes that have subscribers of the channel. Rejects with LOG_…. */
  send(channel: string, data: string, meta: string | null): Promise<void>;
  follow(listener: RelayListener): void;
}
