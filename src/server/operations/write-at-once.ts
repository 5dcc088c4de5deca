import { writeSync } from 'node:fs';

/** How long to wait for a slow reader, in milliseconds. */
const PATIENCE = 1_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Returns a function that writes a line to the file descriptor before it returns. (`process.stderr` does not when it is
 * a pipe, and loses lines at `process.exit`.) It waits one second for a reader that stopped reading, and then not again
 * until that reads: until then, lines that do not fit are lost. They are also lost when the reader is gone.
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
