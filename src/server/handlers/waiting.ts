import { ZocaloError } from '../../errors.ts';

/**
 * An event waits for its turn for three times the time limit at most. When the one before it takes all of its time and its
 * worker is replaced, which may take as long again to start, the others still have their turn.
 */
export const LONGEST = 3;

/** An event whose turn did not come within so many milliseconds. */
export function tooLate(waited: number): ZocaloError {
  return new ZocaloError('HANDLER_BUSY', `the turn of an event did not come within ${waited} ms`);
}
