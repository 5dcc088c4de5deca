import { type ErrorCode, ZocaloError } from '../errors.ts';
import { ProtocolError } from '../protocol/index.ts';

interface Family {
  readonly exit: number;
  readonly meaning: string;
  readonly codes: readonly ErrorCode[];
}

/** How the program ends, and why. A code that stands nowhere here is 1. */
const FAMILIES: readonly Family[] = [
  { exit: 0, meaning: 'done', codes: [] },
  { exit: 1, meaning: 'unexpected', codes: ['UNEXPECTED', 'HOOK_FAILED'] },
  { exit: 2, meaning: 'wrong usage', codes: ['BAD_OPTION', 'BAD_CONFIG', 'BAD_ADDRESS', 'UNKNOWN_SCHEME'] },
  {
    exit: 3,
    meaning: 'the address cannot be used',
    codes: ['ADDRESS_IN_USE', 'ADDRESS_NOT_AVAILABLE', 'PERMISSION_DENIED', 'NO_SUCH_PATH'],
  },
  { exit: 4, meaning: 'nobody was reached', codes: ['UNKNOWN_HOST', 'CONNECTION_REFUSED', 'UNREACHABLE'] },
  { exit: 5, meaning: 'the connection was lost', codes: ['CONNECTION_RESET', 'SOCKET_CLOSED'] },
  { exit: 6, meaning: 'it took too long', codes: ['TIMEOUT', 'ABORTED'] },
  {
    exit: 7,
    meaning: 'no trust, or no TLS',
    codes: ['CERTIFICATE_NOT_TRUSTED', 'BAD_CERTIFICATE', 'TLS_FAILED'],
  },
  {
    exit: 8,
    meaning: 'a limit was reached',
    codes: ['MESSAGE_TOO_BIG', 'TOO_MANY_OPEN_FILES', 'TOO_MANY_FRAGMENTS', 'TOO_MANY_CONTROL_FRAMES', 'QUEUE_FULL'],
  },
  {
    exit: 9,
    meaning: 'no WebSocket, or a broken one',
    codes: ['HANDSHAKE_FAILED', 'PROTOCOL_ERROR', 'INVALID_UTF8', 'COMPRESSION_FAILED'],
  },
  { exit: 10, meaning: 'the server refused', codes: [] },
  {
    exit: 11,
    meaning: 'the log cannot be used',
    codes: ['LOG_IN_USE', 'LOG_LOCKED', 'LOG_FULL', 'LOG_READ_ONLY', 'LOG_FAILED'],
  },
];

export const USAGE_EXIT = 2;
/** For every ProtocolError: its code is the server's. */
const REFUSED_EXIT = 10;

export function exitCodeOf(error: unknown): number {
  if (error instanceof ProtocolError) return REFUSED_EXIT;
  if (!(error instanceof ZocaloError)) return 1;
  return FAMILIES.find(({ codes }) => codes.includes(error.code))?.exit ?? 1;
}

/** For the end of `--help`. */
export function exitCodeTable(): string {
  const width = Math.max(...FAMILIES.map(({ meaning }) => meaning.length));
  const rows = FAMILIES.map(({ exit, meaning, codes }) => `  ${exit}  ${meaning.padEnd(width)}  ${codes.join(' ')}`);
  return ['', 'Exit codes:', ...rows.map((row) => row.trimEnd())].join('\n');
}

/** `CODE: sentence`, in one line, whatever it was; a bad configuration may have many mistakes, with a line for each. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ZocaloError || error instanceof ProtocolError ? error.code : 'UNEXPECTED';
  if (code === 'BAD_CONFIG') return message.replace(/^/gm, `${code}: `);
  return `${code}: ${message.replace(/\s+/g, ' ').trim()}`;
}
