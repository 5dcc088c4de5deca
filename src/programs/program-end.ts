import { ZocaloError } from '../errors.ts';

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit code; null if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whole milliseconds that it ran. */
  readonly took: number;
  /** What it printed last, at most 20 lines. The log does not have them all yet, unless it was stopped: log them. */
  readonly lastLines: readonly string[];
  /** Why we ended it, if it was for a mistake of its own. */
  readonly reason: ZocaloError | undefined;
  /** Whether `stop` or `kill` was called before. */
  readonly wasStopped: boolean;
  /** Bytes of its channel that it had not read, at most; 0: it had read everything. */
  readonly unread: number;
}

/** PROGRAM_ENDED, in a sentence. */
export function endError(name: string, { code, signal, took }: ProgramEnd): ZocaloError {
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  return new ZocaloError('PROGRAM_ENDED', `the program ${name} ${how} after ${(took / 1000).toFixed(1)} s`);
}
