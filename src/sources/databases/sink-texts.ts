/** The table in which a sink keeps how far it has written, beside what it writes. */
export const POSITIONS = 'zocalo_sinks';

/** The texts for writing rows. Placeholders are the dialect's own, in the order that is given here. */
export interface SinkTexts {
  /** What a session needs before all else. */
  readonly prepare: readonly string[];
  /** The table of positions. */
  readonly create: string;
  readonly begin: string;
  readonly commit: string;
  readonly rollBack: string;
  /** (sink, store): makes the row of a sink, if it has none. */
  readonly enter: string;
  /** (sink, store) → position; nobody else can read it so until the transaction ends. */
  readonly position: string;
  /** (position, sink, store) */
  readonly setPosition: string;
  /** (table, schema or null) → name, type: the columns of a table; none when there is no such table. */
  readonly columns: string;
  /** Values row by row. */
  insert(table: string, columns: readonly string[], rows: number): string;
  /** A point in time as the columns for times take it. */
  time(milliseconds: number): string;
  /** The most values that a statement takes. */
  readonly values: number;
  /**
   * Whether the table refuses a row for what is in it, so that trying again does not help: its type, NULL, a key that is
   * there, a CHECK, what a trigger raised. `columns`: those that are written; another one that is missing is not the row's fault.
   */
  refusesRow(cause: unknown, columns: readonly string[]): boolean;
}

/** The texts for a look at whether rows could be written. */
export interface SinkCheckTexts {
  /** (table, schema or null) → name: the columns that must have a value, and have none by default. */
  readonly required: string;
  /** (table, schema or null) → engine, of a table that has no transactions. Undefined where all have. */
  readonly withoutTransactions?: string;
  /** () → a row, if the user may make tables. */
  readonly mayCreate: string;
  /** () → who, as GRANT names the user; home, where tables are whose name does not say it. Undefined without users. */
  readonly grantee?: string;
  /** Adds no row, but needs every right and column that a row would need. */
  insertNothing(table: string, columns: readonly string[]): string;
}

/** `(?, ?), (?, ?)`, or with numbers. */
export function placeholders(columns: number, rows: number, each: (number: number) => string): string {
  const row = (at: number) => `(${Array.from({ length: columns }, (_, n) => each(at * columns + n + 1)).join(', ')})`;
  return Array.from({ length: rows }, (_, at) => row(at)).join(', ');
}

/** `2026-01-31 23:59:59.999`, in UTC. */
export function utc(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').slice(0, -1);
}
