import { ZocaloError } from '../../errors.ts';
import { Database, type DatabaseFormat } from '../../sqlite/index.ts';

const SCHEMA = `
  CREATE TABLE events (
    version INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, even when all were delivered
    webhook TEXT NOT NULL,
    event   TEXT NOT NULL                      -- JSON
  ) STRICT;
  CREATE INDEX events_webhook ON events (webhook, version);
  CREATE TABLE here (    -- the users and channels last reported present
    webhook TEXT NOT NULL,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (webhook, kind, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE missed (  -- events dropped since the last delivery
    webhook TEXT PRIMARY KEY,
    count   INTEGER NOT NULL
  ) STRICT;
`;

/** `begin`: the first version. Not durable: after a power cut a delivery may be repeated, which is allowed. */
const formatFrom = (begin: number): DatabaseFormat => ({
  applicationId: 0x7a6f6377, // "zocw"
  version: 1,
  earlier: [0], // the same tables
  isDurable: false,
  upgrade(database, from) {
    if (from !== undefined) return;
    database.exec(SCHEMA);
    database.prepare("INSERT INTO sqlite_sequence VALUES ('events', ?)").run(begin);
  },
});

/** Milliseconds for which another process may lock the file. */
const LOCK_TIMEOUT = 2_000;

/** The most that waits for one webhook; the oldest events are dropped. */
export const MOST = { events: 10_000, bytes: 16 * 1_048_576 };
/** The most that one delivery contains. A single larger event is delivered alone. */
const PAGE = { events: 100, bytes: 262_144 };

/** `disconnect` and `unsubscribe` stand for what a handler has yet to be told of. */
export type Kind = 'user' | 'channel' | 'disconnect' | 'unsubscribe';

export interface News {
  readonly webhook: string;
  /** A JSON object; undefined when the webhook does not want this event, and only the change is stored. */
  readonly event: string | undefined;
  /** The user or channel that is present from now on, or no longer. */
  readonly change?: { readonly kind: Kind; readonly name: string; readonly isHere: boolean };
  /** In the queues of several nodes: the same for what may be added twice. */
  readonly id?: string | undefined;
}

export interface Page {
  readonly events: readonly { readonly version: number /** A JSON object. */; readonly event: string }[];
  readonly first: number;
  readonly last: number;
  /** Dropped events before these. */
  readonly missed: number;
}

interface Waiting {
  events: number;
  bytes: number;
}

/**
 * The events that are not delivered yet, in an SQLite file, or in memory without one. A write survives a crash of the
 * process; a power cut may lose the last ones, since not every write waits for the disk.
 */
export class Backlog {
  readonly #file: string | undefined;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting>();
  #database: Database | undefined;

  constructor(file: string | undefined, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#database !== undefined;
  }

  /** @throws ZocaloError STORE_FAILED. */
  open(): void {
    try {
      // In memory, versions begin after those of the previous process.
      const format = formatFrom(this.#file ? 0 : this.#now() * 1_000);
      this.#database = Database.open(this.#file, format, { lockTimeout: LOCK_TIMEOUT });
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** Accepts events for these webhooks too. @throws ZocaloError STORE_FAILED. */
  admit(webhooks: readonly string[]): void {
    const sql = 'SELECT count(*) AS events, ifnull(sum(octet_length(event)), 0) AS bytes FROM events WHERE webhook = ?';
    try {
      for (const webhook of webhooks) {
        if (this.#waiting.has(webhook)) continue;
        this.#waiting.set(webhook, { ...(this.#open.prepare(sql).get(webhook) as unknown as Waiting) });
      }
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** Deletes the events of all other webhooks. Returns how many waited for each. @throws what SQLite throws. */
  keepOnly(webhooks: readonly string[]): Map<string, number> {
    const gone = new Map<string, number>();
    for (const [webhook, { events }] of this.#waiting)
      if (!webhooks.includes(webhook)) {
        this.#waiting.delete(webhook);
        if (events > 0) gone.set(webhook, events);
      }
    for (const table of ['events', 'here', 'missed'])
      this.#run(`DELETE FROM ${table} WHERE webhook NOT IN (SELECT value FROM json_each(?))`, JSON.stringify(webhooks));
    return gone;
  }

  close(): void {
    this.#waiting.clear();
    this.#database?.close();
    this.#database = undefined;
  }

  #failed(cause: unknown): ZocaloError {
    const sentence = `the events for webhooks in ${this.#file} cannot be used: ${(cause as Error).message}`;
    return new ZocaloError('STORE_FAILED', sentence, { cause });
  }

  /**
   * Stores all of it, or nothing. `lost`: how many events could not be stored, by webhook. Returns how many old ones
   * were dropped, by webhook. @throws what SQLite throws.
   */
  add(news: readonly News[], lost: ReadonlyMap<string, number> = new Map()): Map<string, number> {
    const gone = new Map<string, number>();
    const before = new Map([...this.#waiting].map(([webhook, waiting]) => [webhook, { ...waiting }]));
    try {
      this.#run('BEGIN IMMEDIATE');
      for (const [webhook, count] of lost) this.#miss(webhook, count);
      for (const { webhook, event, change } of news) {
        if (change?.isHere) this.#run('INSERT OR IGNORE INTO here VALUES (?, ?, ?)', webhook, change.kind, change.name);
        else if (change)
          this.#run('DELETE FROM here WHERE webhook = ? AND kind = ? AND name = ?', webhook, change.kind, change.name);
        if (event === undefined) continue;
        this.#run('INSERT INTO events (webhook, event) VALUES (?, ?)', webhook, event);
        const waiting = this.#waiting.get(webhook)!;
        waiting.events++;
        waiting.bytes += Buffer.byteLength(event);
      }
      for (const [webhook, waiting] of this.#waiting) {
        let count = 0;
        for (; waiting.events > MOST.events || (waiting.bytes > MOST.bytes && waiting.events > 1); count++) {
          const sql =
            'DELETE FROM events WHERE version = (SELECT min(version) FROM events WHERE webhook = ?) RETURNING octet_length(event) AS bytes';
          this.#took(webhook, [this.#open.prepare(sql).get(webhook) as { bytes: number }]);
        }
        if (count > 0) gone.set(webhook, count);
        if (count > 0) this.#miss(webhook, count);
      }
      this.#open.check();
      this.#run('COMMIT');
    } catch (error) {
      for (const [webhook, waiting] of before) this.#waiting.set(webhook, waiting);
      if (this.#database?.connection.isTransaction) this.#run('ROLLBACK');
      throw error;
    }
    return gone;
  }

  /** Counts lost events of a webhook; its next delivery reports them. */
  #miss(webhook: string, count: number): void {
    this.#run(
      'INSERT INTO missed VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
      webhook,
      count,
    );
  }

  /** The oldest waiting events, no more than `most`; undefined when there are none. */
  page(webhook: string, most = PAGE.events): Page | undefined {
    const sql = 'SELECT version, event FROM events WHERE webhook = ? ORDER BY version LIMIT ?';
    const rows = this.#open.prepare(sql).all(webhook, most) as { version: number; event: string }[];
    let bytes = 0;
    const taken = rows.filter(({ event }, at) => {
      bytes += Buffer.byteLength(event);
      return bytes <= PAGE.bytes || at === 0;
    });
    if (taken.length === 0) return undefined;
    const missed = this.#open.prepare('SELECT count FROM missed WHERE webhook = ?').get(webhook) as
      | { count: number }
      | undefined;
    return {
      events: taken,
      first: taken[0]!.version,
      last: taken.at(-1)!.version,
      missed: missed?.count ?? 0,
    };
  }

  /** These were delivered. */
  acknowledge(webhook: string, { events, missed }: Pick<Page, 'events' | 'missed'>): void {
    const sql =
      'DELETE FROM events WHERE webhook = ? AND version IN (SELECT value FROM json_each(?)) RETURNING octet_length(event) AS bytes';
    const versions = JSON.stringify(events.map(({ version }) => version));
    this.#took(webhook, this.#open.prepare(sql).all(webhook, versions) as { bytes: number }[]);
    if (missed > 0) this.#run('UPDATE missed SET count = count - ? WHERE webhook = ?', missed, webhook);
  }

  #took(webhook: string, rows: readonly { bytes: number }[]): void {
    const waiting = this.#waiting.get(webhook)!;
    waiting.events -= rows.length;
    for (const { bytes } of rows) waiting.bytes -= bytes;
  }

  /** Users or channels last reported present. @throws ZocaloError STORE_FAILED. */
  here(webhook: string, kind: Kind): string[] {
    try {
      const rows = this.#open.prepare('SELECT name FROM here WHERE webhook = ? AND kind = ?').all(webhook, kind);
      return rows.map(({ name }) => String(name));
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#open.prepare(sql).run(...values);
  }

  get #open(): Database {
    if (!this.#database) throw new Error('the backlog is not open');
    return this.#database;
  }
}
