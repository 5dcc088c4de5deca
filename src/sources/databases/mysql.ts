import { loadDriver } from '../../optional-package.ts';
import { databaseFailure } from './failure.ts';
import { identifier, qualified } from './identifiers.ts';
import { mysqlSink } from './mysql-sink.ts';
import { mysqlTriggers } from './mysql-triggers.ts';
import type { Dialect, OutboxTexts, Session, SqlRow, SqlValue } from './session.ts';

const MARK = '`';
const quote = (name: string) => qualified(name, MARK);

/** Milliseconds. */
const CONNECT_TIMEOUT = 10_000;
const QUERY_TIMEOUT = 30_000;

/** What is used of the package mysql2. */
interface Connection {
  query(query: { sql: string; values: readonly unknown[]; timeout: number }): Promise<[unknown, unknown]>;
  on(event: 'error', listener: () => void): unknown;
  destroy(): void;
}
interface Driver {
  readonly default: { createConnection(options: object): Promise<Connection> };
}

/** MySQL from 8.0.1 on, MariaDB from 10.6 on: these have SKIP LOCKED. */
export const mysql: Dialect = {
  form: 'mysql://user:password@host/database',
  quote: (name) => identifier(name, MARK),
  asText: (expression) => `CAST(${expression} AS CHAR)`,
  placeholder: '?',

  outbox(table): OutboxTexts {
    const name = quote(table);
    return {
      begin: ['START TRANSACTION'],
      commit: ['COMMIT'],
      lock: `SELECT CAST(id AS CHAR) AS id, channel, OCTET_LENGTH(data) AS size, idempotency_key,
        CAST(CAST(UNIX_TIMESTAMP(created_at) * 1000000 AS UNSIGNED) AS CHAR) AS created,
        TIMESTAMPDIFF(MICROSECOND, created_at, NOW(6)) / 1000 AS age,
        IF(OCTET_LENGTH(data) <= ?, CAST(data AS CHAR), NULL) AS data
        FROM ${name} WHERE error IS NULL AND id NOT IN (?) ORDER BY ${name}.id LIMIT ? FOR UPDATE SKIP LOCKED`,
      between: `SELECT channel, CAST(MIN(id) AS CHAR) AS id FROM ${name} WHERE error IS NULL AND channel IN (?)
        AND id <= CAST(? AS UNSIGNED) AND id NOT IN (?) GROUP BY channel`,
      read: `SELECT CAST(id AS CHAR) AS id, CAST(data AS CHAR) AS data FROM ${name} WHERE id IN (?)`,
      remove: `DELETE FROM ${name} WHERE id IN (?)`,
      setAside: `UPDATE ${name} SET error = ? WHERE id = ?`,
      measure: `SELECT COUNT(*) AS waiting,
        COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(created_at), NOW(6)) / 1000, 0) AS lag,
        (SELECT COUNT(*) FROM (SELECT 1 FROM ${name} WHERE error IS NOT NULL LIMIT ?) AS failed) AS aside
        FROM (SELECT created_at FROM ${name} WHERE error IS NULL ORDER BY id LIMIT ?) AS waiting_rows`,
    };
  },

  create(table) {
    return [
      `CREATE TABLE ${quote(table)} (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  channel VARCHAR(256) NOT NULL,
  data LONGTEXT NOT NULL CHECK (JSON_VALID(data)),
  idempotency_key VARCHAR(64),
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  error TEXT,
  KEY channel (channel, id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    ];
  },

  triggers: mysqlTriggers,
  sink: mysqlSink,

  async connect(address): Promise<Session> {
    const { createConnection } = ((await loadDriver('mysql2/promise', 'a MySQL or MariaDB database')) as Driver)
      .default;
    let connection: Connection | undefined;
    const session: Session = {
      async query(sql, values: readonly SqlValue[] = []) {
        try {
          const [rows] = await connection!.query({ sql, values, timeout: QUERY_TIMEOUT });
          return Array.isArray(rows) ? (rows as SqlRow[]) : [];
        } catch (error) {
          throw databaseFailure(address, error);
        }
      },
      close: () => connection?.destroy(),
    };
    try {
      connection = await createConnection({
        uri: address.replace(/^mariadb:/, 'mysql:'),
        charset: 'utf8mb4',
        connectTimeout: CONNECT_TIMEOUT,
        enableKeepAlive: true,
        decimalNumbers: true,
        supportBigNumbers: true,
      });
      connection.on('error', () => {}); // the next query tells
      // Under REPEATABLE READ a locking read also locks gaps, and so the application's inserts. The driver escapes with
      // backslashes, which NO_BACKSLASH_ESCAPES in the server's mode would break.
      await session.query("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'");
      await session.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      return session;
    } catch (error) {
      session.close();
      throw databaseFailure(address, error);
    }
  },
};
