import { identifier, qualified } from './identifiers.ts';
import { POSITIONS, placeholders, type SinkCheckTexts, type SinkTexts, utc } from './sink-texts.ts';

/** https://www.sqlite.org/rescode.html */
const [TOO_BIG, CONSTRAINT, MISMATCH] = [18, 19, 20];
const NOT_NULL = 1299;

const into = (table: string, columns: readonly string[]) =>
  `INSERT INTO ${qualified(table)} (${columns.map((name) => identifier(name)).join(', ')})`;

export const sqliteSink: SinkTexts & SinkCheckTexts = {
  prepare: [],
  create: `CREATE TABLE IF NOT EXISTS ${identifier(POSITIONS)} (
  sink TEXT NOT NULL,
  store TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (sink, store)
)`,
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollBack: 'ROLLBACK',
  enter: `INSERT OR IGNORE INTO ${identifier(POSITIONS)} (sink, store, position) VALUES (?, ?, 0)`,
  position: `SELECT position FROM ${identifier(POSITIONS)} WHERE sink = ? AND store = ?`,
  setPosition: `UPDATE ${identifier(POSITIONS)} SET position = ? WHERE sink = ? AND store = ?`,
  columns: "SELECT name, lower(type) AS type FROM pragma_table_info(?, ifnull(?, 'main'))",
  required: `SELECT name FROM pragma_table_info(?, ifnull(?, 'main')) WHERE "notnull" AND dflt_value IS NULL AND NOT pk`,
  mayCreate: 'SELECT 1 AS yes',
  insertNothing: (table, columns) =>
    `${into(table, columns)} SELECT ${columns.map(() => 'NULL').join(', ')} WHERE false`,
  insert: (table, columns, rows) => `${into(table, columns)} VALUES ${placeholders(columns.length, rows, () => '?')}`,
  time: utc,
  // SQLITE_MAX_VARIABLE_NUMBER is 32,766 by default (https://www.sqlite.org/limits.html).
  values: 30_000,
  refusesRow(cause, columns) {
    const { errcode = 0, message = '' } = cause as Error & { errcode?: number };
    if (errcode === NOT_NULL) return columns.includes(/: .*?([^.]+)$/.exec(message)?.[1] ?? '');
    return [TOO_BIG, CONSTRAINT, MISMATCH].includes(errcode & 0xff);
  },
};
