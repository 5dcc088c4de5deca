/** What a source counts, since its start. */
export interface Totals {
  /** Open lines. */
  lines: number;
  frames: number;
  published: number;
  /** Readings that are being stored, or wait for it. */
  waiting: number;
  /** Left out because of `only: changed`. */
  unchanged: number;
  /** Frames that were damaged or could not be read, readings that were not taken, connections that were refused. */
  refused: number;
  /** Bytes that belong to no frame. */
  skipped: number;
  /** Datagrams that came faster than they could be stored. */
  dropped: number;
}

export function noTotals(): Totals {
  return { lines: 0, frames: 0, published: 0, waiting: 0, unchanged: 0, refused: 0, skipped: 0, dropped: 0 };
}
