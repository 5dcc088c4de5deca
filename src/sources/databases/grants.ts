import { ZocaloError } from '../../errors.ts';
import { isDenied } from './failure.ts';
import { tableName } from './identifiers.ts';
import type { Dialect, Session } from './session.ts';

/** What a session is for. */
export interface Needs {
  /** Statements of SQL that an administrator runs first. */
  readonly first?: readonly string[];
  readonly grants: readonly (readonly [rights: string, table: string])[];
}

/** A name that SQL takes without quotes, and without changing its case. */
const PLAIN = /^[a-z_][a-z0-9_]*$/;

/**
 * Connects; when the database says that its user may not do something, the error has the statements that allow it.
 * @throws as `Dialect.connect`.
 */
export async function connectFor(
  needs: Needs,
  dialect: Dialect,
  address: string,
  table = '',
  onWake = () => {},
): Promise<Session> {
  const tell = (error: unknown): never => {
    throw isRefusal(error) ? told(error, needs, dialect, address) : error;
  };
  const session = await dialect.connect(address, table, onWake).catch(tell);
  return {
    query: (text, values) => session.query(text, values).catch(tell),
    close: () => session.close(),
  };
}

function isRefusal(error: unknown): error is ZocaloError {
  return error instanceof ZocaloError && error.code === 'DATABASE_FAILED' && isDenied(error);
}

function told(error: ZocaloError, { first = [], grants }: Needs, dialect: Dialect, address: string): ZocaloError {
  const { cause, happened } = error;
  const url = URL.parse(address);
  // A file: it is read-only.
  if (!url?.username)
    return new ZocaloError(error.code, happened, {
      cause,
      advice: 'let the user of the daemon write to the file and to its folder',
    });
  const quote = (name: string) => (PLAIN.test(name) ? name : dialect.quote(name));
  const user = decodeURIComponent(url.username);
  const home = decodeURIComponent(url.pathname.slice(1));
  // MySQL names the user as GRANT does, and its tables with their database.
  const who = /'[^']*'@'[^']*'/.exec(happened)?.[0];
  const of = (table: string) => {
    const { schema = who && home, name } = tableName(table);
    return [...(schema ? [schema] : []), name].map(quote).join('.');
  };
  const statements = [
    ...first.map((statement) => statement.replaceAll(/\s+/g, ' ')),
    ...grants.map(([rights, table]) => `GRANT ${rights} ON ${of(table)} TO ${who ?? quote(user)}`),
  ];
  return new ZocaloError(error.code, happened, { cause, advice: `run as its administrator: ${statements.join('; ')}` });
}
