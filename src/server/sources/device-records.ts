import { ZocaloError } from '../../errors.ts';
import type { Position } from '../../protocol/index.ts';
import { Database, type DatabaseFormat } from '../../sqlite/index.ts';

/** Not durable: after a power cut a command may be sent once more, which is allowed. */
const FORMAT: DatabaseFormat = {
  applicationId: 0x7a6f6373, // "zocs"
  version: 1,
  isDurable: false,
  upgrade: (database) =>
    database.exec(`
      CREATE TABLE devices (
        source TEXT NOT NULL,
        device TEXT NOT NULL,
        seen   INTEGER NOT NULL,           -- milliseconds since 1970
        here   INTEGER NOT NULL DEFAULT 0,
        epoch  TEXT,                       -- the position of the last command that it was sent
        offset INTEGER,
        PRIMARY KEY (source, device)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX devices_seen ON devices (seen);
    `),
};

/** Milliseconds for which another process may lock the file. */
const LOCK_TIMEOUT = 2_000;
/** About 10 MB. Anybody who may connect can make up names, so that there must be a limit. */
const MOST = 100_000;
/** How many new devices come between two looks at their number. */
const LOOK = 1_000;

/** What is known of devices beyond the end of the daemon: in an SQLite file beside the store's, or in memory. */
export class DeviceRecords {
  readonly #file: string | undefined;
  readonly #now: () => number;
  #database: Database | undefined;
  #added = 0;

  constructor(file: string | undefined, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  /** May be called again. @throws ZocaloError STORE_FAILED. */
  open(): void {
    try {
      this.#database ??= Database.open(this.#file, FORMAT, { lockTimeout: LOCK_TIMEOUT });
    } catch (cause) {
      const where = this.#file ?? 'the records of devices';
      throw new ZocaloError('STORE_FAILED', `${where} cannot be opened: ${(cause as Error).message}`, { cause });
    }
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  /** After which entry of its log a device's commands go on. Undefined: it has had none. */
  position(source: string, device: string): Position | undefined {
    const row = this.#open
      .prepare('SELECT epoch, offset FROM devices WHERE source = ? AND device = ?')
      .get(source, device);
    return row?.epoch == null ? undefined : [String(row.epoch), Number(row.offset)];
  }

  sent(source: string, device: string, [epoch, offset]: Position): void {
    this.#write(
      `INSERT INTO devices (source, device, seen, epoch, offset) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET seen = ?3, epoch = ?4, offset = ?5`,
      [source, device, this.#now(), epoch, offset],
    );
  }

  /** A device has come or gone. */
  saw(source: string, device: string, isHere: boolean): void {
    this.#write(
      `INSERT INTO devices (source, device, seen, here) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET seen = ?3, here = ?4`,
      [source, device, this.#now(), isHere ? 1 : 0],
    );
  }

  /** Those that were here when the daemon ended without saying that they went, and when they came. */
  left(source: string): { readonly device: string; readonly seen: number }[] {
    const rows = this.#open.prepare('SELECT device, seen FROM devices WHERE source = ? AND here = 1').all(source);
    return rows.map(({ device, seen }) => ({ device: String(device), seen: Number(seen) }));
  }

  get #open(): Database {
    if (this.#database) return this.#database;
    throw new ZocaloError('STORE_FAILED', 'the records of devices are closed');
  }

  #write(sql: string, values: readonly (string | number)[]): void {
    const database = this.#open;
    database.check();
    database.prepare(sql).run(...values);
    if (++this.#added % LOOK !== 0) return;
    // A device that is forgotten gets the commands again that the log still has.
    database
      .prepare(
        `DELETE FROM devices WHERE here = 0 AND seen < (SELECT seen FROM devices ORDER BY seen DESC LIMIT 1 OFFSET ${MOST})`,
      )
      .run();
  }
}
