import { DatabaseSync } from 'node:sqlite';
import { Database, DatabaseFile, type DatabaseFormat } from '../sqlite/index.ts';
import { newSeed } from './epochs.ts';
import { failureOf } from './sqlite-failure.ts';
import type { Failure, StoreOptions } from './sqlite-messages.ts';

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
`;

/** The names of logs that do not exist yet: see epochs.ts. */
const EPOCHS = `
  CREATE TABLE store (seed TEXT NOT NULL) STRICT;
  CREATE TABLE ended (bucket INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
`;

/** What waits for others to take it: see queueing.ts. */
const QUEUES = `
  CREATE TABLE queues (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT; -- the last place that was given
  CREATE TABLE queued (
    queue   TEXT NOT NULL,
    place   INTEGER NOT NULL,
    channel TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    offset  INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    data    TEXT NOT NULL,
    meta    TEXT,
    PRIMARY KEY (queue, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE aside (
    queue   TEXT NOT NULL,
    place   INTEGER NOT NULL,
    channel TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    offset  INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    data    TEXT NOT NULL,
    meta    TEXT,
    reason  TEXT NOT NULL,
    PRIMARY KEY (queue, place)
  ) STRICT, WITHOUT ROWID;
`;

/** Durable, since offsets lost in a power cut would be assigned again under the same epoch: an unnoticed gap. */
const FORMAT: DatabaseFormat = {
  applicationId: 0x7a6f6361, // "zoca"
  version: 4,
  earlier: [2, 3],
  isDurable: true,
  upgrade(database, from) {
    database.exec(`${from === undefined ? SCHEMA : ''} ${from === 3 ? '' : EPOCHS} ${QUEUES}`);
    if (from === 3) return;
    database.prepare('INSERT INTO store (seed) VALUES (?)').run(newSeed());
  },
};

/** The database, and the lock that keeps a second broker out. */
export interface Opened {
  readonly database: Database;
  readonly lock: DatabaseSync;
}

/** Opens the file, new or old. Throws SQLite's errors, and LOG_IN_USE as a Failure. */
export function openDatabase({ path, bytes, lockTimeout }: StoreOptions): Opened {
  let lock: DatabaseSync | undefined;
  let database: Database | undefined;
  const claim = (location: string) => {
    lock = lockBeside(location, path);
  };
  try {
    database = Database.open(path, FORMAT, { lockTimeout, claim });
    if (Number.isFinite(bytes)) {
      const pages = Math.max(1, Math.floor(bytes / database.number('PRAGMA page_size')));
      database.connection.exec(`PRAGMA max_page_count = ${pages}`);
    }
    return { database, lock: lock! };
  } catch (error) {
    lock?.close();
    database?.close();
    throw error;
  }
}

/**
 * Keeps a second broker out, and nobody else: readers, backups and the sqlite3 shell may open the database. The lock is
 * the operating system's, on a separate file, so that it ends with the process in any case.
 */
function lockBeside(location: string, path: string): DatabaseSync {
  new DatabaseFile(`${location}-lock`).make();
  const lock = new DatabaseSync(`${location}-lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (failureOf(path, error).code !== 'LOG_LOCKED') throw error;
    throw { code: 'LOG_IN_USE', happened: `another process has ${path} open` } satisfies Failure;
  }
}
