import { identifier, qualified } from './identifiers.ts';
import { POSITIONS, placeholders, type SinkCheckTexts, type SinkTexts, utc } from './sink-texts.ts';

const quote = (name: string) => qualified(name, '`');

/** By SQLSTATE: data, a constraint, and what a trigger signals. */
const CLASSES = /^(22|23|44|45)/;
/**
 * What has no such state: 1118 the row is too large, 1265 and 1366 the value does not fit, 1690 out of range, 3140
 * no JSON, 3819 and 4025 a CHECK (https://mariadb.com/kb/en/mariadb-error-code-reference/).
 */
const NUMBERS = new Set([1118, 1265, 1366, 1690, 3140, 3819, 4025]);

const into = (table: string, columns: readonly string[]) =>
  `INSERT INTO ${quote(table)} (${columns.map((name) => identifier(name, '`')).join(', ')})`;
/** The user's own rights are listed under this name. */
const SELF =
  "CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))";

export const mysqlSink: SinkTexts & SinkCheckTexts = {
  prepare: ["SET SESSION time_zone = '+00:00'"],
  create: `CREATE TABLE IF NOT EXISTS ${quote(POSITIONS)} (
  sink VARCHAR(255) NOT NULL,
  store VARCHAR(64) NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (sink, store)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  begin: 'START TRANSACTION',
  commit: 'COMMIT',
  rollBack: 'ROLLBACK',
  enter: `INSERT IGNORE INTO ${quote(POSITIONS)} (sink, store, position) VALUES (?, ?, 0)`,
  position: `SELECT position FROM ${quote(POSITIONS)} WHERE sink = ? AND store = ? FOR UPDATE`,
  setPosition: `UPDATE ${quote(POSITIONS)} SET position = ? WHERE sink = ? AND store = ?`,
  columns: `SELECT COLUMN_NAME AS name, LOWER(DATA_TYPE) AS type FROM information_schema.columns
    WHERE table_name = ? AND table_schema = COALESCE(?, DATABASE())`,
  required: `SELECT COLUMN_NAME AS name FROM information_schema.columns
    WHERE table_name = ? AND table_schema = COALESCE(?, DATABASE()) AND is_nullable = 'NO' AND column_default IS NULL
    AND extra NOT LIKE '%auto_increment%' AND COALESCE(generation_expression, '') = ''`,
  withoutTransactions: `SELECT t.engine AS engine FROM information_schema.tables t
    JOIN information_schema.engines e ON e.engine = t.engine AND e.transactions = 'NO'
    WHERE t.table_name = ? AND t.table_schema = COALESCE(?, DATABASE())`,
  mayCreate: `SELECT 1 AS yes FROM information_schema.user_privileges WHERE grantee = ${SELF} AND privilege_type = 'CREATE'
    UNION SELECT 1 FROM information_schema.schema_privileges
    WHERE grantee = ${SELF} AND privilege_type = 'CREATE' AND DATABASE() LIKE table_schema`,
  grantee: `SELECT ${SELF} AS who, DATABASE() AS home`,
  insertNothing: (table, columns) =>
    `${into(table, columns)} SELECT ${columns.map(() => 'NULL').join(', ')} FROM DUAL WHERE false`,
  insert: (table, columns, rows) => `${into(table, columns)} VALUES ${placeholders(columns.length, rows, () => '?')}`,
  time: utc,
  values: 30_000,
  refusesRow(cause) {
    const { errno = 0, sqlState = '' } = cause as { errno?: number; sqlState?: string };
    return CLASSES.test(sqlState) || NUMBERS.has(errno);
  },
};
