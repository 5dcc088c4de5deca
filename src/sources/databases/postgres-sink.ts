import { identifier, qualified } from './identifiers.ts';
import { POSITIONS, placeholders, type SinkCheckTexts, type SinkTexts } from './sink-texts.ts';

/**
 * By SQLSTATE: data, a constraint, a view's check, what a trigger raises, a row that is too large
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const ROW = /^(22|23|44|P0001|54000)/;
const NOT_NULL = '23502';

const into = (table: string, columns: readonly string[]) =>
  `INSERT INTO ${qualified(table)} (${columns.map((name) => identifier(name)).join(', ')})`;

export const postgresSink: SinkTexts & SinkCheckTexts = {
  prepare: ["SET TIME ZONE 'UTC'"],
  create: `CREATE TABLE IF NOT EXISTS ${qualified(POSITIONS)} (
  sink text NOT NULL,
  store text NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (sink, store)
)`,
  begin: 'BEGIN ISOLATION LEVEL READ COMMITTED',
  commit: 'COMMIT',
  rollBack: 'ROLLBACK',
  enter: `INSERT INTO ${qualified(POSITIONS)} (sink, store, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`,
  position: `SELECT position FROM ${qualified(POSITIONS)} WHERE sink = $1 AND store = $2 FOR UPDATE`,
  setPosition: `UPDATE ${qualified(POSITIONS)} SET position = $1 WHERE sink = $2 AND store = $3`,
  columns: `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
    WHERE table_name = $1 AND table_schema = coalesce($2, current_schema())`,
  required: `SELECT column_name AS name FROM information_schema.columns
    WHERE table_name = $1 AND table_schema = coalesce($2, current_schema()) AND is_nullable = 'NO'
    AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'`,
  mayCreate: "SELECT 1 AS yes WHERE has_schema_privilege(current_schema(), 'CREATE')",
  grantee: "SELECT quote_ident(current_user) AS who, '' AS home",
  insertNothing: (table, columns) =>
    `${into(table, columns)} SELECT ${columns.map(() => 'NULL').join(', ')} WHERE false`,
  insert: (table, columns, rows) =>
    `${into(table, columns)} VALUES ${placeholders(columns.length, rows, (number) => `$${number}`)}`,
  time: (milliseconds) => new Date(milliseconds).toISOString(),
  // The protocol counts them in 16 bits.
  values: 30_000,
  refusesRow(cause, columns) {
    const { code = '', column } = cause as { code?: string; column?: string };
    return code === NOT_NULL && column !== undefined ? columns.includes(column) : ROW.test(code);
  },
};
