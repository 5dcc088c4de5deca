/** A row that an application wrote: which one of which transaction of which writer. */
export interface Written {
  readonly id: string;
  readonly channel: string;
}

/**
 * A transaction that was committed. `begun` and `ended` are moments of one count: before its BEGIN was sent, and after
 * its COMMIT was known. One that ended before another began was committed before it, as far as anybody can tell.
 */
export interface Transaction {
  readonly begun: number;
  readonly ended: number;
  /** In the order of the INSERTs. */
  readonly rows: readonly Written[];
}
