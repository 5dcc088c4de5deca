import { ERRORS, ZocaloError } from '../errors.ts';
import { ProtocolError } from '../protocol/index.ts';

/** The meaning of each number. `ERRORS` has the exit code of each error. */
const MEANINGS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'unexpected',
  2: 'wrong usage',
  3: 'the address cannot be used',
  4: 'the other side was not reached',
  5: 'the connection was lost',
  6: 'it took too long',
  7: 'no trust, or no TLS',
  8: 'a limit was reached',
  9: 'no WebSocket, or a broken one',
  10: 'the server refused',
  11: 'the log cannot be used',
};

export const USAGE_EXIT = 2;
/** For every ProtocolError: the server refused. */
const REFUSED_EXIT = 10;

export function exitCodeOf(error: unknown): number {
  if (error instanceof ProtocolError) return REFUSED_EXIT;
  if (!(error instanceof ZocaloError)) return 1;
  return ERRORS[error.code].exit;
}

/** For the end of `--help`. */
export function exitCodeTable(): string {
  const width = Math.max(...Object.values(MEANINGS).map((meaning) => meaning.length));
  const rows = Object.entries(MEANINGS).map(([exit, meaning]) => {
    const codes = Object.entries(ERRORS).filter(([, row]) => row.exit === Number(exit));
    return `  ${exit}  ${meaning.padEnd(width)}  ${codes.map(([code]) => code).join(' ')}`;
  });
  return ['', 'Exit codes:', ...rows.map((row) => row.trimEnd())].join('\n');
}

/** `CODE: message` in one line; a bad configuration has a line for each mistake. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ZocaloError || error instanceof ProtocolError ? error.code : 'UNEXPECTED';
  if (code === 'BAD_CONFIG') return message.replace(/^/gm, `${code}: `);
  return `${code}: ${message.replace(/\s+/g, ' ').trim()}`;
}
