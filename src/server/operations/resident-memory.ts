let last: number | undefined;

/**
 * Resident memory in bytes. Reading it opens a file: when no file can be opened, the last value is returned; undefined
 * without /proc.
 */
export function residentMemory(): number | undefined {
  try {
    last = process.memoryUsage.rss();
  } catch {
    // The caller asks again soon.
  }
  return last;
}
