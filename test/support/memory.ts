import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that this process holds after a garbage collection: objects and buffers. */
export function heldMemory(): number {
  // Twice: the first finds the buffers that nobody holds, the second gives back their bytes.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
