import { ZocaloError } from '../../errors.ts';

/** Codes of drivers that mean that there is no connection, or no longer. */
const CONNECTION =
  /^(E[A-Z]+|PROTOCOL_\w+|08\w{3}|57P0\d|ER_(CON_COUNT_ERROR|SERVER_SHUTDOWN|NEW_ABORTING_CONNECTION|CONNECTION_KILLED))$/;
/**
 * Codes that mean that another transaction was in the way: a deadlock, of which the server undid this side, a lock that
 * was waited for too long, a serialization failure
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html, https://mariadb.com/kb/en/mariadb-error-code-reference/).
 */
const BUSY = /^(ER_LOCK_DEADLOCK|ER_LOCK_WAIT_TIMEOUT|ER_CHECKREAD|40001|40P01|55P03)$/;
/** SQLITE_BUSY and SQLITE_LOCKED, without what is above their lowest byte (https://www.sqlite.org/rescode.html). */
const SQLITE_BUSY = new Set([5, 6]);

/** Codes that mean that a right is missing, or, in SQLite, that the file is read-only. */
const DENIED = /^(42501|ER_(TABLE|COLUMN|DB)ACCESS_DENIED_ERROR)$/;
const READ_ONLY = 8;

/** An address without user and password, for messages. */
export function placeOf(address: string): string {
  const url = URL.parse(address);
  return url?.host ? `${url.protocol}//${url.host}${url.pathname}` : address;
}

/** What a driver threw, as an error of ours that says at which database. */
export function databaseFailure(address: string, cause: unknown): ZocaloError {
  if (cause instanceof ZocaloError) return cause;
  const { message = '', errors, code = '' } = cause as DriverError;
  // An AggregateError of several addresses has no message of its own.
  const said = message || errors?.map((error) => error.message).join(', ') || String(code);
  return new ZocaloError(codeOf(cause as DriverError, said), `${placeOf(address)}: ${said}`, { cause });
}

interface DriverError extends Error {
  readonly code?: unknown;
  /** Of SQLite. */
  readonly errcode?: number;
  readonly errors?: readonly Error[];
}

function codeOf({ code = '', errcode = 0 }: DriverError, said: string) {
  // First: what such an error says has the word timeout.
  if (BUSY.test(String(code)) || SQLITE_BUSY.has(errcode & 0xff)) return 'DATABASE_BUSY';
  const isLost =
    CONNECTION.test(String(code)) ||
    /terminated|closed state|not queryable|connection.*(lost|closed)|timeout/i.test(said);
  return isLost ? 'DATABASE_UNREACHABLE' : 'DATABASE_FAILED';
}

/** Whether a database refused a query because its user may not do that. */
export function isDenied({ cause }: ZocaloError): boolean {
  const { code = '', errcode = 0 } = (cause ?? {}) as DriverError;
  return DENIED.test(String(code)) || (errcode & 0xff) === READ_ONLY;
}
