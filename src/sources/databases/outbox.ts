import type { OutboxTexts, Session, SqlRow } from './session.ts';

export interface OutboxRow {
  /** A decimal number, which may have more than 53 bits. */
  readonly id: string;
  readonly channel: string;
  /** JSON, if the application did it right. */
  readonly data: string;
  /** The application's own key, if it gave one. */
  readonly key: string | null;
  /** When it was inserted: an integer, in a unit of the database's. */
  readonly created: string;
  /** Milliseconds since then, by the database's clock. */
  readonly age: number;
}

export interface OutboxMeasure {
  /** Rows that wait, up to 100,000. */
  readonly waiting: number;
  /** Milliseconds that the oldest of them has waited. */
  readonly lag: number;
  /** Rows that were set aside with an error, up to 100,000. */
  readonly aside: number;
}

export interface Settled {
  /** The ids of rows that are in the log. */
  readonly done: readonly string[];
  readonly aside: readonly { readonly id: string; readonly error: string }[];
}

/** Rows that are taken at a time, and the bytes of their data; a single larger row is taken alone. */
const ROWS = 250;
const BYTES = 4 << 20;
/** Bytes of data that are read while rows are locked, before anybody knows how many rows there are. */
const SHORT = 16 << 10;
/** No row has this id. */
export const NO_ROW = '-1';
const COUNTED = 100_000;
/** Characters of an error in the table. */
const ERROR_LENGTH = 1_000;

/** What a consumer does with an outbox. Every method throws what the session throws. */
export interface Outbox {
  /**
   * Locks the oldest rows that nobody has taken, in the order of their ids. All that is taken until `settle` is one
   * transaction.
   */
  take(): Promise<OutboxRow[]>;
  /** Deletes rows and sets rows aside; then unlocks everything that was taken. */
  settle(settled: Settled): Promise<void>;
  measure(): Promise<OutboxMeasure>;
  close(): void;
}

export class OutboxTable implements Outbox {
  readonly #session: Session;
  readonly #texts: OutboxTexts;
  /** Ids of the rows that were taken in this transaction; undefined outside of one. */
  #taken: string[] | undefined;

  constructor(session: Session, texts: OutboxTexts) {
    this.#session = session;
    this.#texts = texts;
  }

  /**
   * Rows that another daemon has locked are skipped. That alone would break the order within a channel: it publishes
   * older rows now, and this one would publish newer ones beside it. So of each channel only the rows before the first
   * one are taken that is there but not locked by us: another daemon has it, or it was committed while we locked, which
   * the locking itself need not see. A row that is gone by the second query was published before it was deleted.
   */
  async take(): Promise<OutboxRow[]> {
    const { begin, lock, between } = this.#texts;
    if (!this.#taken) {
      for (const text of begin) await this.#session.query(text);
      this.#taken = [];
    }
    const earlier = this.#taken.length > 0 ? this.#taken : [NO_ROW];
    const locked = await this.#session.query(lock, [SHORT, earlier, ROWS]);
    if (locked.length === 0) return [];
    const channels = [...new Set(locked.map(({ channel }) => String(channel)))];
    const ids = locked.map(({ id }) => String(id));
    const foreign = await this.#session.query(between, [channels, ids.at(-1)!, [...ids, ...this.#taken]]);
    const rows = await this.#whole(fitting(inOrder(locked, foreign)));
    this.#taken.push(...rows.map(({ id }) => id));
    return rows;
  }

  async settle({ done, aside }: Settled): Promise<void> {
    const { remove, setAside, commit } = this.#texts;
    if (done.length > 0) await this.#session.query(remove, [done]);
    for (const { id, error } of aside) await this.#session.query(setAside, [error.slice(0, ERROR_LENGTH), id]);
    for (const text of commit) await this.#session.query(text);
    this.#taken = undefined;
  }

  /** With their data, also where it is long. */
  async #whole(rows: readonly SqlRow[]): Promise<OutboxRow[]> {
    const long = rows.filter(({ data }) => data === null).map(({ id }) => String(id));
    const read = long.length > 0 ? await this.#session.query(this.#texts.read, [long]) : [];
    const data = new Map(read.map(({ id, data }) => [String(id), data]));
    return rows.map((row) => ({
      id: String(row.id),
      channel: String(row.channel),
      data: String(row.data ?? data.get(String(row.id))),
      key: row.idempotency_key === null ? null : String(row.idempotency_key),
      created: String(row.created ?? 0),
      age: Number(row.age),
    }));
  }

  async measure(): Promise<OutboxMeasure> {
    const [row] = await this.#session.query(this.#texts.measure, [COUNTED, COUNTED]);
    return { waiting: Number(row?.waiting), lag: Math.max(0, Number(row?.lag)), aside: Number(row?.aside) };
  }

  close(): void {
    this.#session.close();
  }
}

/** The rows that come before the first foreign row of their channel. */
function inOrder(locked: readonly SqlRow[], foreign: readonly SqlRow[]): readonly SqlRow[] {
  const firsts = new Map(foreign.map(({ channel, id }) => [channel, BigInt(String(id))]));
  return locked.filter(({ channel, id }) => {
    const first = firsts.get(channel);
    return first === undefined || BigInt(String(id)) < first;
  });
}

/** As many rows as fit into memory, one at least. */
function fitting(rows: readonly SqlRow[]): readonly SqlRow[] {
  let bytes = 0;
  return rows.filter(({ size }, at) => {
    bytes += Number(size);
    return at === 0 || bytes <= BYTES;
  });
}
