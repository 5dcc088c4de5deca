import type { ErrorCode } from '../errors.ts';
import type { Failure } from './sqlite-messages.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html; extended ones contain them in the low byte. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  3: 'LOG_READ_ONLY', // PERM
  5: 'LOG_LOCKED', // BUSY
  6: 'LOG_LOCKED', // LOCKED
  8: 'LOG_READ_ONLY', // READONLY
  13: 'LOG_FULL', // FULL
  14: 'LOG_READ_ONLY', // CANTOPEN: the folder is missing, or not writable
};

/** An SQLite error as a broker failure. */
export function failureOf(path: string, error: unknown): Failure {
  const { errcode = 0, message } = error as Error & { errcode?: number };
  return { code: CODES[errcode & 0xff] ?? 'LOG_FAILED', happened: `${path}: ${message ?? error}` };
}
