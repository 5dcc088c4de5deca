import type { SinkCheckTexts, SinkTexts } from './sink-texts.ts';
import type { TriggerTexts } from './triggers.ts';

/** A value of a query. A list fills one placeholder, in the form that the dialect's texts expect. */
export type SqlValue = string | number | null | readonly string[];

/** A row, with the names that the query gives its columns. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** One connection to a database. When a query was rejected, roll back, or close the session and connect again. */
export interface Session {
  /** @throws ZocaloError DATABASE_BUSY, DATABASE_FAILED, DATABASE_UNREACHABLE. */
  query(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Cuts the connection at once. A transaction that was not committed is undone by the server. */
  close(): void;
}

/** The texts for one outbox. Placeholders are the dialect's own, in the order that is given here. */
export interface OutboxTexts {
  /** What begins and ends a transaction that locks rows. Empty where the kind has no locks of rows. */
  readonly begin: readonly string[];
  readonly commit: readonly string[];
  /**
   * (most bytes, list of ids, limit) → id, channel, size, data, idempotency_key, created, age (milliseconds): the oldest
   * rows that are neither set aside nor in the list, and that nobody else has locked; locks them. `data` is NULL where it
   * has more bytes.
   */
  readonly lock: string;
  /**
   * (list of channels, id, list of ids) → channel, id: of each channel the oldest row, locked or not, up to this id, that
   * is neither set aside nor in the list, which has an id at least. It sees what was committed when `lock` was over.
   */
  readonly between: string;
  /** (list of ids) → id, data. */
  readonly read: string;
  /** (list of ids) */
  readonly remove: string;
  /** (error, id) */
  readonly setAside: string;
  /** (limit, limit) → waiting, lag (milliseconds), aside. */
  readonly measure: string;
}

/** One kind of database. To add one, write it in a file of its own, and add a row to `DIALECTS`. */
export interface Dialect {
  /** For help and messages: `mysql://user:password@host/database`. */
  readonly form: string;
  /** The name of a column or a table, as SQL has it. */
  quote(name: string): string;
  /** An expression, as a text. */
  asText(expression: string): string;
  /** Stands for the first value of a query. */
  readonly placeholder: string;
  /** `table`: a name, or `schema.name`. */
  outbox(table: string): OutboxTexts;
  /** Statements that make an empty outbox. */
  create(table: string): readonly string[];
  readonly triggers: TriggerTexts;
  readonly sink: SinkTexts & SinkCheckTexts;
  /**
   * Loads the driver on first use, and connects. `onWake` is called when the database tells that the outbox has rows;
   * kinds that cannot tell never call it. An empty `table`: it is not listened to.
   * @throws ZocaloError DRIVER_MISSING, DATABASE_UNREACHABLE, DATABASE_FAILED.
   */
  connect(address: string, table: string, onWake: () => void): Promise<Session>;
}
