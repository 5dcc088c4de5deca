import { DatabaseSync } from 'node:sqlite';
import type { StoreOptions } from './sqlite-messages.ts';

/** "zoca": marks the file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x7a6f6361;
const VERSION = 1;

const SCHEMA = `
  CREATE TABLE channels (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: the keys of a forgotten log go by and by
    name   TEXT NOT NULL UNIQUE,
    epoch  TEXT NOT NULL,
    head   INTEGER NOT NULL,
    oldest INTEGER NOT NULL, -- what readers see
    floor  INTEGER NOT NULL, -- what is stored: from floor to oldest - 1 waits to be deleted
    size   REAL NOT NULL,    -- the bounds that the last publication gave
    ttl    REAL NOT NULL,
    time   INTEGER NOT NULL, -- of the last publication
    due    INTEGER           -- when the sweeper should look at it
  ) STRICT;
  CREATE INDEX channels_due ON channels (due) WHERE due IS NOT NULL;
  CREATE TABLE entries (
    channel INTEGER NOT NULL,
    offset  INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    data    TEXT NOT NULL,
    meta    TEXT,
    PRIMARY KEY (channel, offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE keys (
    id      INTEGER PRIMARY KEY, -- in the order of publication
    channel INTEGER NOT NULL,
    key     TEXT NOT NULL,
    digest  BLOB NOT NULL,       -- SHA-256 of the data
    offset  INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    UNIQUE (channel, key)
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

/**
 * Opens the file, new or old. Durable means: a commit has reached the disk. In WAL mode only `synchronous = FULL` says
 * so (NORMAL would lose the last commits in a power cut, and their offsets would be given again under the same epoch:
 * a silent gap); on macOS, where fsync stops at the drive's cache, `fullfsync` does. Throws what SQLite throws.
 */
export function openDatabase({ path, lockTimeout, bytes }: StoreOptions): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockTimeout });
  try {
    const { application_id: application } = database.prepare('PRAGMA application_id').get() as {
      application_id: number;
    };
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (tables > 0 && application !== APPLICATION_ID) throw new Error('the database belongs to another program');
    if (version > VERSION) throw new Error('the database was written by a newer version of this program');
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA journal_size_limit = ${16 << 20};
    `);
    if (tables === 0) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    if (Number.isFinite(bytes)) {
      const { page_size: page } = database.prepare('PRAGMA page_size').get() as { page_size: number };
      database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytes / page))}`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Keeps a second broker out, and no one else: readers, backups and the sqlite3 shell may open the file. The lock is
 * the operating system's, on a file beside the database, so that it ends with the process however that ends.
 */
export function lockDatabase(database: DatabaseSync): DatabaseSync {
  const lock = new DatabaseSync(`${database.location()}-lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}
