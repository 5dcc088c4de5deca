import { ZocaloError } from '../../errors.ts';
import {
  connectFor,
  type Dialect,
  dialectOf,
  isDenied,
  type Needs,
  POSITIONS,
  placeOf,
  type Session,
  type SinkCheckTexts,
  type SinkTexts,
  type SqlValue,
} from '../databases/index.ts';
import type { Cell } from './row.ts';
import { valueFor } from './values.ts';

export interface TableOptions {
  readonly address: string;
  /** A name, or `schema.name`. */
  readonly table: string;
  readonly columns: readonly string[];
  /** The name of the sink, and of the store that has its queue: together they have one position. */
  readonly sink: string;
  readonly store: string;
}

export interface Row {
  /** Rows up to a place that was written are not written again. */
  readonly place: number;
  readonly values: readonly Cell[];
}

/** Where a writer writes. */
export interface Target {
  /** The most rows that it takes at once. */
  readonly most: number;
  /**
   * Writes rows in their order, but those that were written before. When this rejects with anything else than
   * SINK_ROW_REFUSED, it is unknown whether they were written, and nothing more can be written here.
   * @throws ZocaloError SINK_ROW_REFUSED: one of the rows cannot be written, and so none was; as `Session.query`.
   */
  write(rows: readonly Row[]): Promise<void>;
  close(): void;
}

/** What a sink does in a database. */
export function needsOf({ sink }: Dialect, table: string): Needs {
  return {
    first: [sink.create],
    grants: [
      ['INSERT', table],
      ['SELECT, INSERT, UPDATE', POSITIONS],
    ],
  };
}

type Texts = SinkTexts & Pick<SinkCheckTexts, 'insertNothing'>;

/** Connects to a table. @throws ZocaloError SINK_TABLE_UNFIT; as `Dialect.connect`. */
export async function openTable(options: TableOptions): Promise<Target> {
  const dialect = dialectOf(options.address)!;
  const session = await connectFor(needsOf(dialect, options.table), dialect, options.address);
  try {
    const table = new Table(session, dialect.sink, options);
    await table.open();
    return table;
  } catch (error) {
    session.close();
    throw error;
  }
}

/**
 * A table, and how far it was written: the position is changed in the transaction that adds the rows. So a program that reads
 * it knows what is written, also after a COMMIT that was not answered. It is read with a lock, which such a transaction
 * has as long as the server still works on it.
 */
export class Table implements Target {
  readonly most: number;
  readonly #session: Session;
  readonly #texts: Texts;
  readonly #options: TableOptions;
  #types: readonly string[] = [];

  constructor(session: Session, texts: Texts, options: TableOptions) {
    this.#session = session;
    this.#texts = texts;
    this.#options = options;
    this.most = Math.max(1, Math.floor(texts.values / options.columns.length));
  }

  async open(): Promise<void> {
    const { sink, store } = this.#options;
    const { prepare, create, enter } = this.#texts;
    for (const text of prepare) await this.#session.query(text);
    this.#types = await this.#findTypes();
    try {
      await this.#session.query(enter, [sink, store]);
    } catch (error) {
      if (!(error instanceof ZocaloError) || error.code !== 'DATABASE_FAILED') throw error;
      // The table of positions is missing, or its user may not do that, which the second attempt tells.
      await this.#session.query(create);
      await this.#session.query(enter, [sink, store]);
    }
  }

  async write(rows: readonly Row[]): Promise<void> {
    const { sink, store, table, columns } = this.#options;
    const { begin, position, insert, setPosition, commit } = this.#texts;
    await this.#session.query(begin);
    const [found] = await this.#session.query(position, [sink, store]);
    if (!found) throw this.#unfit(`its row for ${sink} was deleted from zocalo_sinks`);
    const fresh = rows.filter(({ place }) => place > Number(found.position));
    if (fresh.length > 0) {
      const values = fresh.flatMap((row) => this.#valuesOf(row));
      await this.#refusing(insert(table, columns, fresh.length), values);
      await this.#session.query(setPosition, [fresh.at(-1)!.place, sink, store]);
    }
    // Constraints may be checked as late as here.
    await this.#refusing(commit, []);
  }

  close(): void {
    this.#session.close();
  }

  async #refusing(text: string, values: readonly SqlValue[]): Promise<void> {
    try {
      await this.#session.query(text, values);
    } catch (cause) {
      const { refusesRow, rollBack } = this.#texts;
      const reason = (cause as Error).cause;
      if (!(reason instanceof Error) || !refusesRow(reason, this.#options.columns)) throw cause;
      await this.#session.query(rollBack);
      throw new ZocaloError('SINK_ROW_REFUSED', `${this.#place}: ${reason.message}`, { cause });
    }
  }

  #valuesOf({ values }: Row): SqlValue[] {
    return values.map((value, at) => valueFor(this.#types[at]!, value, this.#texts.time));
  }

  async #findTypes(): Promise<string[]> {
    const { table, columns } = this.#options;
    const [name, schema = null] = table.split('.').toReversed() as [string, string?];
    const rows = await this.#session.query(this.#texts.columns, [name, schema]);
    if (rows.length === 0) {
      // A user without any right to a table does not see it.
      await this.#session.query(this.#texts.insertNothing(table, columns)).catch((error: ZocaloError) => {
        if (isDenied(error)) throw error;
      });
      throw this.#unfit('there is no such table');
    }
    const types = new Map(rows.map(({ name, type }) => [String(name), String(type)]));
    const missing = columns.filter((column) => !types.has(column));
    if (missing.length > 0)
      throw this.#unfit(`it has no column ${missing.join(', ')}; its columns are ${[...types.keys()].join(', ')}`);
    return columns.map((column) => types.get(column)!);
  }

  get #place(): string {
    return `the table ${this.#options.table} of ${placeOf(this.#options.address)}`;
  }

  #unfit(why: string): ZocaloError {
    return new ZocaloError('SINK_TABLE_UNFIT', `${this.#place} does not fit: ${why}`);
  }
}
