import { DatabaseSync } from 'node:sqlite';
import { DatabaseFile } from './database-file.ts';
import { newSeed } from './epochs.ts';
import { failureOf } from './sqlite-failure.ts';
import type { Failure, StoreOptions } from './sqlite-messages.ts';

/** "zoca": marks the file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x7a6f6361;
const VERSION = 3;
/** The version before, which is brought up to date when it is opened. */
const EARLIER = 2;

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
    digest  TEXT NOT NULL,       -- SHA-256 of the data, in base64
    offset  INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
`;

/** What names logs that do not exist yet: see epochs.ts. */
const EPOCHS = `
  CREATE TABLE store (seed TEXT NOT NULL) STRICT;
  CREATE TABLE ended (bucket INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${VERSION};
`;

/** The database, and the lock that keeps a second broker out. */
export interface Opened {
  database: DatabaseSync;
  /** What holds the commits: the file, and its write-ahead log. */
  files: readonly DatabaseFile[];
  lock: DatabaseSync;
}

/**
 * Opens the file, new or old. Durable means: a commit has reached the disk. In WAL mode only `synchronous = FULL` says
 * so (NORMAL would lose the last commits in a power cut, and their offsets would be given again under the same epoch:
 * a silent gap); on macOS, where fsync stops at the drive's cache, `fullfsync` does. Throws what SQLite throws, and
 * LOG_IN_USE as a Failure.
 */
export function openDatabase(options: StoreOptions): Opened {
  const file = new DatabaseFile(options.path);
  file.make();
  const database = new DatabaseSync(options.path, { timeout: options.lockTimeout });
  let lock: DatabaseSync | undefined;
  try {
    const tables = numberOf(database, 'SELECT count(*) FROM sqlite_schema');
    if (tables > 0 && numberOf(database, 'PRAGMA application_id') !== APPLICATION_ID) {
      throw new Error('the database belongs to another program');
    }
    const version = numberOf(database, 'PRAGMA user_version');
    if (tables > 0 && version !== VERSION && version !== EARLIER) {
      const age = version > VERSION ? 'a newer' : 'an older, unreleased';
      throw new Error(`the database was written by ${age} version of this program`);
    }
    lock = lockBeside(database, options.path);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA journal_size_limit = ${16 << 20};
    `);
    if (numberOf(database, 'PRAGMA user_version') !== VERSION) {
      const isNew = numberOf(database, 'SELECT count(*) FROM sqlite_schema') === 0;
      database.exec(`BEGIN IMMEDIATE; ${isNew ? SCHEMA : ''} ${EPOCHS}`);
      database.prepare('INSERT INTO store (seed) VALUES (?)').run(newSeed());
      database.exec('COMMIT');
    }
    if (Number.isFinite(options.bytes)) {
      const pages = Math.max(1, Math.floor(options.bytes / numberOf(database, 'PRAGMA page_size')));
      database.exec(`PRAGMA max_page_count = ${pages}`);
    }
    const files = [file, new DatabaseFile(`${database.location()}-wal`)];
    for (const one of files) one.check();
    return { database, lock, files };
  } catch (error) {
    lock?.close();
    database.close();
    throw error;
  }
}

/**
 * Keeps a second broker out, and no one else: readers, backups and the sqlite3 shell may open the database. The lock
 * is the operating system's, on a file of its own, so that it ends with the process however that ends.
 */
function lockBeside(database: DatabaseSync, path: string): DatabaseSync {
  new DatabaseFile(`${database.location()}-lock`).make();
  const lock = new DatabaseSync(`${database.location()}-lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (failureOf(path, error).code !== 'LOG_LOCKED') throw error;
    throw { code: 'LOG_IN_USE', happened: `another process has ${path} open` } satisfies Failure;
  }
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get()!)[0]);
}
