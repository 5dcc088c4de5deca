/** What came from a device at once. */
export interface RecordedChunk {
  /** In milliseconds, by any clock. */
  readonly at: number;
  readonly bytes: Buffer;
}

/** Milliseconds: what comes within this time of the chunk before was sent together, and split on its way. */
const PAUSE = 10;

/** What came between pauses. A burst of a device that is not busy is one frame, or a few. */
export function burstsOf(chunks: readonly RecordedChunk[]): Buffer[] {
  const bursts: Buffer[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, bytes } of chunks) {
    if (at - last > PAUSE) bursts.push([]);
    bursts.at(-1)!.push(bytes);
    last = at;
  }
  return bursts.map((parts) => Buffer.concat(parts)).filter(({ length }) => length > 0);
}

/** The median of the pauses between bursts, in milliseconds; undefined with fewer than two bursts. */
export function usualPause(chunks: readonly RecordedChunk[]): number | undefined {
  const pauses = chunks.slice(1).map(({ at }, index) => at - chunks[index]!.at);
  const long = pauses.filter((pause) => pause > PAUSE).toSorted((a, b) => a - b);
  return long[long.length >> 1];
}
