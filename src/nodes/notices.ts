/**
 * Is told of a notice. `age`: milliseconds since it was posted, by one clock for all nodes. Notices of the last hour may
 * be told again.
 */
export type NoticeListener = (text: string, age: number) => void;

/** Notices for all nodes, also those that are down: these are told when they start. */
export interface NoticeBoard {
  /** Resolves when it is stored. Rejects with LOG_…. */
  post(text: string): Promise<void>;
  /** Call before the nodes are opened, which tells all that there are. */
  follow(listener: NoticeListener): void;
}
