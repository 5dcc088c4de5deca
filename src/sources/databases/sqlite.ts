import { existsSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { nodeSqlite } from '../../builtins.ts';
import { ZocaloError } from '../../errors.ts';
import { databaseFailure } from './failure.ts';
import { identifier } from './identifiers.ts';
import type { Dialect, OutboxTexts, Session, SqlRow } from './session.ts';
import { sqliteSink } from './sqlite-sink.ts';
import { sqliteTriggers } from './sqlite-triggers.ts';

/**
 * Another program's lock is tried again so often, which takes about two seconds. SQLite itself would wait while nothing
 * else runs in this process.
 */
const ATTEMPTS = 300;
/** Milliseconds after an attempt. An application that writes much leaves short moments free, which a long pause misses. */
const pauseAfter = (attempt: number) => Math.min(20, 1 + Math.floor(attempt / 25));
/** https://www.sqlite.org/rescode.html#busy */
const BUSY = 5;

/**
 * SQLite has no locks of rows, and a lock of the file would stop the application while its rows are published. So rows
 * are read without a lock. Two daemons on one file would both publish each row, which its key makes one publication.
 */
export const sqlite: Dialect = {
  form: 'sqlite:<file>',
  quote: (name) => identifier(name),
  asText: (expression) => `CAST(${expression} AS TEXT)`,
  placeholder: '?',

  outbox(table): OutboxTexts {
    const name = identifier(table);
    const listed = 'IN (SELECT value FROM json_each(?))';
    const since = "(julianday('now') - julianday(created_at)) * 86400000";
    return {
      begin: [],
      commit: [],
      lock: `SELECT CAST(id AS TEXT) AS id, channel, octet_length(data) AS size,
        CASE WHEN octet_length(data) <= ? THEN CAST(data AS TEXT) END AS data, idempotency_key,
        CAST((julianday(created_at) - 2440587.5) * 86400000 AS INTEGER) AS created, ${since} AS age FROM ${name}
        WHERE error IS NULL AND id NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY ${name}.id LIMIT ?`,
      between: `SELECT channel, CAST(min(id) AS TEXT) AS id FROM ${name} WHERE error IS NULL AND channel ${listed}
        AND id <= CAST(? AS INTEGER) AND id NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) GROUP BY channel`,
      read: `SELECT CAST(id AS TEXT) AS id, CAST(data AS TEXT) AS data FROM ${name}
        WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))`,
      remove: `DELETE FROM ${name} WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))`,
      setAside: `UPDATE ${name} SET error = ? WHERE id = CAST(? AS INTEGER)`,
      measure: `SELECT count(*) AS waiting, ifnull(max(${since}), 0) AS lag,
        (SELECT count(*) FROM (SELECT 1 FROM ${name} WHERE error IS NOT NULL LIMIT ?)) AS aside
        FROM (SELECT created_at FROM ${name} WHERE error IS NULL ORDER BY id LIMIT ?)`,
    };
  },

  create(table) {
    return [
      `CREATE TABLE "${table}" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  idempotency_key TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  error TEXT
)`,
      `CREATE INDEX "${table}_channel" ON "${table}" (channel, id)`,
    ];
  },

  triggers: sqliteTriggers,
  sink: sqliteSink,

  async connect(address): Promise<Session> {
    const file = address.replace(/^sqlite:/, '');
    // It would be created, empty.
    if (!existsSync(file))
      throw new ZocaloError('DATABASE_UNREACHABLE', `there is no file ${file}`, { advice: 'check its path' });
    const { DatabaseSync } = nodeSqlite();
    try {
      const opened = identityOf(file);
      const connection = new DatabaseSync(file, { timeout: 0 });
      return {
        async query(text, values = []) {
          // An open file stays as it is when another is put in its place, by a backup, say: nobody else would ever see it.
          if (identityOf(file) !== opened)
            throw new ZocaloError('DATABASE_UNREACHABLE', `${file} was moved, removed or replaced`, {
              advice: 'it is opened again; restart programs that still have the old one open',
            });
          try {
            const bound = values.map(bind);
            for (let attempt = 1; ; attempt++)
              try {
                return connection.prepare(text).all(...bound) as SqlRow[];
              } catch (error) {
                if ((error as { errcode?: number }).errcode !== BUSY || attempt === ATTEMPTS) throw error;
                await setTimeout(pauseAfter(attempt));
              }
          } catch (error) {
            throw databaseFailure(address, error);
          }
        },
        close: () => connection.isOpen && connection.close(),
      };
    } catch (error) {
      throw databaseFailure(address, error);
    }
  },
};

/** Which file has this name now; '' if there is none. */
function identityOf(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : '';
}

/** What is given for a parameter. Numbers are bound as REAL: a whole one would stand as `7.0` in a column of texts. */
function bind(value: unknown): string | number | bigint | null {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  return typeof value === 'object' && value ? JSON.stringify(value) : (value as string | number | null);
}
