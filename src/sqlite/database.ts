import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { nodeSqlite } from '../builtins.ts';
import { DatabaseFile } from './database-file.ts';

/** The properties of one kind of database. */
export interface DatabaseFormat {
  /** Marks the file as ours: https://www.sqlite.org/pragma.html#pragma_application_id */
  readonly applicationId: number;
  /** The `user_version` of a file that is up to date. */
  readonly version: number;
  /** Earlier versions that `upgrade` supports. */
  readonly earlier?: readonly number[];
  /**
   * Whether a commit has reached the disk when it returns. In WAL mode only `synchronous = FULL` guarantees it; on
   * macOS, where fsync stops at the drive's cache, `fullfsync` does. Without it a power cut may lose the last commits.
   */
  readonly isDurable: boolean;
  /** Creates the tables of a new file (`from` is undefined), or upgrades an earlier one. In a transaction. */
  upgrade(database: DatabaseSync, from: number | undefined): void;
}

export interface DatabaseOptions {
  /** Milliseconds to wait for another program's lock. */
  readonly lockTimeout: number;
  /** Called once the file is known to be new or ours, before anything is written. If it throws, the file is refused. */
  readonly claim?: (location: string) => void;
}

/** Bytes of disk that the write-ahead log keeps after its contents are in the database. */
const WAL_BYTES = 16 << 20;

/**
 * One of our SQLite files, open in WAL mode, readable by its owner alone; or a database in memory. Every method throws
 * SQLite's errors.
 */
export class Database {
  readonly connection: DatabaseSync;
  /** The files with the commits: the database and its write-ahead log. */
  readonly #files: readonly DatabaseFile[];
  readonly #prepared = new Map<string, StatementSync>();

  /** Creates the file if necessary; `path` undefined: in memory. Another program's file is not changed. */
  static open(path: string | undefined, format: DatabaseFormat, { lockTimeout, claim }: DatabaseOptions): Database {
    const { DatabaseSync } = nodeSqlite();
    const file = path === undefined ? undefined : new DatabaseFile(path);
    file?.make();
    const connection = new DatabaseSync(path ?? ':memory:', { timeout: lockTimeout });
    try {
      versionOf(connection, format);
      const location = connection.location();
      if (location) claim?.(location);
      connection.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${format.isDurable ? 'FULL' : 'NORMAL'};
        PRAGMA fullfsync = ${format.isDurable ? 'ON' : 'OFF'};
        PRAGMA journal_size_limit = ${WAL_BYTES};
      `);
      if (versionOf(connection, format) !== format.version) upgrade(connection, format);
      const database = new Database(connection, file ? [file, new DatabaseFile(`${location}-wal`)] : []);
      database.check();
      return database;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  constructor(connection: DatabaseSync, files: readonly DatabaseFile[]) {
    this.connection = connection;
    this.#files = files;
  }

  /** A statement that is prepared once. */
  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.connection.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** The single number that a query returns. */
  number(sql: string): number {
    return numberOf(this.connection, sql);
  }

  /** Call it before a commit. @throws Error when a file was deleted or replaced: see `DatabaseFile`. */
  check(): void {
    for (const file of this.#files) file.check();
  }

  close(): void {
    this.#prepared.clear();
    this.connection.close();
  }
}

/** The version of a file, undefined for a new one. @throws Error if it is not ours, or has an unknown version. */
function versionOf(connection: DatabaseSync, { applicationId, version, earlier = [] }: DatabaseFormat) {
  if (numberOf(connection, 'SELECT count(*) FROM sqlite_schema') === 0) return undefined;
  if (numberOf(connection, 'PRAGMA application_id') !== applicationId)
    throw new Error('the database belongs to another program');
  const found = numberOf(connection, 'PRAGMA user_version');
  if (found === version || earlier.includes(found)) return found;
  throw new Error(
    `the database was written by ${found > version ? 'a newer' : 'an older, unreleased'} version of this program`,
  );
}

/** Another process may do the same at the same time: the one that gets the lock checks again, and so does the other. */
function upgrade(connection: DatabaseSync, format: DatabaseFormat): void {
  connection.exec('BEGIN IMMEDIATE');
  const from = versionOf(connection, format);
  if (from !== format.version) {
    format.upgrade(connection, from);
    connection.exec(`PRAGMA application_id = ${format.applicationId}; PRAGMA user_version = ${format.version}`);
  }
  connection.exec('COMMIT');
}

function numberOf(connection: DatabaseSync, sql: string): number {
  return Number(Object.values(connection.prepare(sql).get()!)[0]);
}
