import type { Clock } from '../../clock.ts';
import { dialectOf } from './dialects.ts';
import { connectFor } from './grants.ts';
import { DatabasePool } from './pool.ts';
import type { Dialect } from './session.ts';

/** A row of a table: its columns as texts, by the names that the caller gave them. */
export type LookedUp<Name extends string> = Readonly<Record<Name, string | null>>;

export interface LookupOptions<Name extends string> {
  readonly address: string;
  /** A name, or `schema.name`. */
  readonly table: string;
  /** By names of the caller's: the columns of the table; one that it lacks is always NULL. Nothing else is read. */
  readonly columns: Readonly<Record<Name, string | undefined>>;
  readonly clock: Clock;
  /** Milliseconds for an answer. */
  readonly patience: number;
}

/** Reads rows of a table that belongs to the application. */
export class Lookup<Name extends string> {
  readonly #options: LookupOptions<Name>;
  readonly #columns: readonly (readonly [Name, string])[];
  readonly #dialect: Dialect;
  readonly #pool: DatabasePool;

  constructor(options: LookupOptions<Name>) {
    const { address, columns, clock, patience } = options;
    this.#options = options;
    const entries = Object.entries(columns) as [Name, string | undefined][];
    this.#columns = entries.filter((entry): entry is [Name, string] => entry[1] !== undefined);
    this.#dialect = dialectOf(address)!;
    const listed = this.#columns.map(([, column]) => this.#dialect.quote(column)).join(', ');
    const needs = { grants: [[`SELECT (${listed})`, options.table]] } as const;
    const connect = () => connectFor(needs, this.#dialect, address);
    this.#pool = new DatabasePool({ address, connect, clock, patience });
  }

  /** At most `most` rows with that value, by the rules of the column: some compare without regard to case. @throws ZocaloError. */
  find(name: Name, value: string, most: number): Promise<LookedUp<Name>[]> {
    const { quote, placeholder } = this.#dialect;
    return this.#read(` WHERE ${quote(this.#options.columns[name]!)} = ${placeholder}`, most, [value]);
  }

  /** Any rows. @throws ZocaloError. */
  some(most: number): Promise<LookedUp<Name>[]> {
    return this.#read('', most, []);
  }

  close(): void {
    this.#pool.close();
  }

  async #read(condition: string, most: number, values: readonly string[]): Promise<LookedUp<Name>[]> {
    const { quote, asText } = this.#dialect;
    const { table, columns } = this.#options;
    const listed = this.#columns.map(([, column], at) => `${asText(quote(column))} AS c${at}`).join(', ');
    const from = table.split('.').map(quote).join('.');
    const rows = await this.#pool.read(`SELECT ${listed} FROM ${from}${condition} LIMIT ${most}`, values);
    const nothing = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
    return rows.map((row) => {
      const found = Object.fromEntries(this.#columns.map(([name], at) => [name, row[`c${at}`] ?? null]));
      return { ...nothing, ...found } as LookedUp<Name>;
    });
  }
}
