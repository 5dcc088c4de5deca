import { writeSync } from 'node:fs';

/** Milliseconds that a reader which is behind is waited for. */
const PATIENCE = 1_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * A function that has written a line to the file descriptor when it returns: `process.stderr` does not where it is a
 * pipe, and loses lines at `process.exit`. A reader that has stopped reading is waited for a second, and no more until
 * it has read; lines for which there is no room meanwhile are lost. So are those for a reader that is gone.
 */
export function writeAtOnce(fd: number): (line: string) => void {
  let patience = PATIENCE;
  return (line) => {
    let rest: Uint8Array = Buffer.from(line);
    const begun = performance.now();
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() - begun >= patience) {
          patience = 0;
          return;
        }
        Atomics.wait(pause, 0, 0, 1);
      }
    }
    patience = PATIENCE;
  };
}
