/** What the nodes that were asked have answered. */
export interface Asked {
  /** By node. */
  readonly answers: ReadonlyMap<string, unknown>;
  /** Nodes that did not answer in time, or failed: what they would have said is not known. */
  readonly missing: readonly string[];
}

/** Answers a question: with JSON, to JSON. What it throws makes this node one of the missing. */
export type Answerer = (data: unknown) => unknown;

/** How the nodes of a cluster ask each other something. At most once: a question or its answer may get lost. */
export interface NodeBus {
  /** The id of this node. It changes when the node was believed dead. */
  readonly node: string;
  /** Answers a kind of question from now on, also those that this node asks. */
  answer(what: string, answerer: Answerer): void;
  /**
   * Asks these nodes, by default all that live. Resolves when they have answered, or after `within` milliseconds, by
   * default two seconds. Rejects with LOG_… when nobody can be asked.
   */
  ask(what: string, data: unknown, nodes?: readonly string[], within?: number): Promise<Asked>;
  /** Tells the node with this origin (see `Tickets`), and waits for no answer. Rejects as `ask`. */
  tell(what: string, data: unknown, origin: string): Promise<void>;
}
