let last: number | undefined;

/**
 * Bytes of memory that the process holds. To read them takes a file: where none is left to open, they are those of the
 * last time, and without /proc they are not known.
 */
export function residentMemory(): number | undefined {
  try {
    last = process.memoryUsage.rss();
  } catch {
    // The caller asks again soon.
  }
  return last;
}
