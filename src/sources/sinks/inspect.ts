import { ZocaloError } from '../../errors.ts';
import { connectFor, type Dialect, dialectOf, isDenied, POSITIONS, placeOf, type Session } from '../databases/index.ts';
import { needsOf, type TableOptions } from './table.ts';

/** What stands in a sink's way. */
export interface SinkFault {
  /** Whether nothing is written; otherwise it may be intended. */
  readonly isSerious: boolean;
  readonly happened: string;
  readonly advice: string;
}

/** How a sink calls itself while it is only tried: no sink has this name. */
const NOBODY = '';

/**
 * Tries all that a sink does with its table and with the table of positions, but that it adds no row, and undoes it.
 * Returns what is wrong: nothing when all is well. @throws ZocaloError DRIVER_MISSING, DATABASE_UNREACHABLE, ….
 */
export async function inspectTable({
  address,
  table,
  columns,
}: Pick<TableOptions, 'address' | 'table' | 'columns'>): Promise<SinkFault[]> {
  const dialect = dialectOf(address)!;
  const session = await connectFor(needsOf(dialect, table), dialect, address);
  try {
    const inspection = new Inspection(session, dialect, placeOf(address));
    return [...(await inspection.table(table, columns)), ...(await inspection.positions())];
  } finally {
    session.close();
  }
}

class Inspection {
  readonly #session: Session;
  readonly #texts: Dialect['sink'];
  readonly #quote: Dialect['quote'];
  readonly #place: string;

  constructor(session: Session, { sink, quote }: Dialect, place: string) {
    this.#session = session;
    this.#texts = sink;
    this.#quote = quote;
    this.#place = place;
  }

  async table(table: string, columns: readonly string[]): Promise<SinkFault[]> {
    const about = `${table} of ${this.#place}`;
    const refusal = await this.#refusalOf([[this.#texts.insertNothing(table, columns), []]]);
    const [name, schema = null] = table.split('.').toReversed() as [string, string?];
    if (refusal === undefined) return [...(await this.#gaps(about, name, schema, columns))];
    if (isDenied(refusal)) {
      const advice = `run as its administrator: ${await this.#grant('INSERT', table)}`;
      return [serious(`${about}: the user of the sink may not insert rows`, advice)];
    }
    const found = await this.#session.query(this.#texts.columns, [name, schema]);
    if (found.length === 0) return [serious(`${about}: there is no such table`, 'create it, or correct its name')];
    const known = new Set(found.map(({ name }) => String(name)));
    const missing = columns.filter((column) => !known.has(column));
    if (missing.length === 0) return [serious(refusal.happened, refusal.advice)];
    const [its, them] = missing.length === 1 ? ['no column', 'it'] : ['no columns', 'them'];
    return [
      serious(
        `${about} has ${its} ${missing.join(', ')}; its columns are ${[...known].join(', ')}`,
        `add ${them}, or correct the columns of the sink`,
      ),
    ];
  }

  /** The table in which sinks keep how far they have written. They make it, if they may. */
  async positions(): Promise<SinkFault[]> {
    const { create, enter, position, setPosition, mayCreate } = this.#texts;
    const who = [NOBODY, NOBODY];
    const refusal = await this.#refusalOf([
      [enter, who],
      [position, who],
      [setPosition, [0, ...who]],
    ]);
    if (refusal === undefined) return [];
    if (!isDenied(refusal) && (await this.#session.query(mayCreate)).length > 0) return [];
    const grant = await this.#grant('SELECT, INSERT, UPDATE', POSITIONS);
    return [
      serious(
        `${POSITIONS} of ${this.#place} cannot be used, nor made by the user of the sink (${reasonOf(refusal)})`,
        `run as its administrator: ${create.replaceAll(/\s+/g, ' ')}; ${grant}`,
      ),
    ];
  }

  /** What a row that is added would show. */
  async #gaps(
    about: string,
    name: string,
    schema: string | null,
    columns: readonly string[],
  ): Promise<readonly SinkFault[]> {
    const { required, withoutTransactions } = this.#texts;
    const needed = (await this.#session.query(required, [name, schema])).map(({ name }) => String(name));
    const faults: SinkFault[] = needed
      .filter((column) => !columns.includes(column))
      .map((column) => ({
        isSerious: false,
        happened: `${about}: the column ${column} must have a value, and the sink gives it none`,
        advice: 'add it to the columns of the sink, or give it a default, unless a trigger fills it',
      }));
    if (withoutTransactions === undefined) return faults;
    for (const { engine } of await this.#session.query(withoutTransactions, [name, schema]))
      faults.push({
        isSerious: false,
        happened: `${about}: ${engine} has no transactions, so that rows may be lost or written twice`,
        advice: `run as its administrator: ALTER TABLE ${this.#named(name)} ENGINE=InnoDB`,
      });
    return faults;
  }

  #named(name: string): string {
    return /^[a-z_]\w*$/.test(name) ? name : this.#quote(name);
  }

  /** Why the statements are refused, which are undone; undefined when they are not. @throws ZocaloError. */
  async #refusalOf(statements: readonly (readonly [string, readonly (string | number)[]])[]) {
    const { begin, rollBack } = this.#texts;
    await this.#session.query(begin);
    try {
      for (const [text, values] of statements) await this.#session.query(text, values);
      return undefined;
    } catch (error) {
      if (error instanceof ZocaloError && error.code === 'DATABASE_FAILED') return error;
      throw error;
    } finally {
      // Of a session that is lost there is nothing to undo.
      await this.#session.query(rollBack).catch(() => {});
    }
  }

  /** In SQL. Where there are no users, in words. */
  async #grant(rights: string, table: string): Promise<string> {
    const { grantee } = this.#texts;
    if (grantee === undefined) return 'let the user of the daemon write to the file and its folder';
    const [row] = await this.#session.query(grantee);
    const names = [...(row?.home && !table.includes('.') ? [String(row.home)] : []), ...table.split('.')];
    return `GRANT ${rights} ON ${names.map((name) => this.#named(name)).join('.')} TO ${row?.who}`;
  }
}

function serious(happened: string, advice: string): SinkFault {
  return { isSerious: true, happened, advice };
}

function reasonOf({ cause, happened }: ZocaloError): string {
  return cause instanceof Error ? cause.message : happened;
}
