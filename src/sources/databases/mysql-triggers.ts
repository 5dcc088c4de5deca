import { identifier, type TableName, tableIdentifier, tableText } from './identifiers.ts';
import { type Attachment, CHANNEL_WIDTH, type Column, PREFIX, type TriggerTexts } from './triggers.ts';

const MARK = '`';
const quote = (name: string) => identifier(name, MARK);
const quoteTable = (table: TableName) => tableIdentifier(table, MARK);

const BYTES = /blob$|binary$|^geometry|point$|string$|polygon$|collection$/;
/** What JSON_OBJECT would write with zeros before it, as no JSON: `000007`. Or as bytes. */
const PADDED = /^bit$|^year$|zerofill$/;
/** Texts, which are compared by a collation: by most of them, `ana` is `Ana`. */
const TEXTS = /char$|text$|^enum$|^set$/;
const EVENTS = ['insert', 'update', 'delete'] as const;

/** Three triggers for a table, which have the rights of their definer. */
export const mysqlTriggers: TriggerTexts = {
  home: 'SELECT DATABASE() AS name',

  columns: `SELECT COLUMN_NAME AS name,
      LOWER(CONCAT(DATA_TYPE, IF(COLUMN_TYPE LIKE '%zerofill', ' zerofill', ''))) AS type FROM information_schema.columns
    WHERE table_name = ? AND table_schema = COALESCE(?, DATABASE()) ORDER BY ordinal_position`,

  attach: (attachment) => [
    ...mysqlTriggers.detach(attachment.table),
    ...EVENTS.map((event) => {
      const { table, outbox } = attachment;
      return `CREATE TRIGGER ${triggerOf(table, event)} AFTER ${event.toUpperCase()} ON ${quoteTable(table)} FOR EACH ROW
${mysqlTriggers.target(outbox)}
${insertion(event, attachment)}`;
    }),
  ],

  detach: (table) => EVENTS.map((event) => `DROP TRIGGER IF EXISTS ${triggerOf(table, event)}`),

  attached: `SELECT EVENT_OBJECT_TABLE AS name, NULLIF(TRIGGER_SCHEMA, DATABASE()) AS \`schema\`,
      ACTION_STATEMENT AS body FROM information_schema.triggers
    WHERE trigger_name = CONCAT('${PREFIX}', EVENT_OBJECT_TABLE, '_insert') ORDER BY 2, 1`,

  target: (outbox) => `INSERT INTO ${quoteTable(outbox)} (channel, data)`,

  grant: (user, password, outbox, { host }) => [
    `CREATE USER ${literal(user)}@${literal(host)} IDENTIFIED BY ${literal(password)}`,
    `GRANT SELECT, UPDATE, DELETE ON ${quoteTable(outbox)} TO ${literal(user)}@${literal(host)}`,
  ],

  drop: (outbox, user, { host }) => [
    `DROP TABLE IF EXISTS ${quoteTable(outbox)}`,
    `DROP USER IF EXISTS ${literal(user)}@${literal(host)}`,
  ],
};

function insertion(event: (typeof EVENTS)[number], { table, columns, channel }: Attachment): string {
  const row = event === 'delete' ? 'NULL' : objectOf('NEW', columns);
  const old = event === 'insert' ? 'NULL' : objectOf('OLD', columns);
  const data = `JSON_OBJECT('op', '${event}', 'table', ${literal(tableText(table))}, 'row', ${row}, 'old', ${old})`;
  const select = (row: string) => `SELECT ${channelOf(row, channel)}, ${data}`;
  if (event !== 'update') return select(event === 'insert' ? 'NEW' : 'OLD');
  const same = columns.map((column) => `${bytesOf('NEW', column)} <=> ${bytesOf('OLD', column)}`).join(' AND ');
  // A row that moves to another channel is told of in both; UNION makes one of two that are the same.
  return `${select('NEW')} FROM DUAL WHERE NOT (${same})\nUNION ${select('OLD')} FROM DUAL WHERE NOT (${same})`;
}

/** What tells every change of a value: of a text, its bytes. */
function bytesOf(row: string, { name, type }: Column): string {
  const value = `${row}.${quote(name)}`;
  return TEXTS.test(type) ? `CAST(${value} AS BINARY)` : value;
}

function objectOf(row: string, columns: readonly Column[]): string {
  return `JSON_OBJECT(${columns.map((column) => `${literal(column.name)}, ${jsonOf(row, column)}`).join(', ')})`;
}

/** JSON has no bytes: they are hexadecimal after `\x`, as Postgres writes them. */
function jsonOf(row: string, { name, type }: Column): string {
  const value = `${row}.${quote(name)}`;
  if (BYTES.test(type)) return `CONCAT('\\\\x', LOWER(HEX(${value})))`;
  return PADDED.test(type) ? `${value} + 0` : value;
}

function channelOf(row: string, channel: Attachment['channel']): string {
  const parts = channel.map((part) =>
    typeof part === 'string' ? literal(part) : `COALESCE(${nameOf(row, part)}, 'null')`,
  );
  // By another collation, UNION could take the names of two channels for one.
  return `LEFT(CONVERT(CONCAT(${parts.join(', ')}) USING utf8mb4) COLLATE utf8mb4_bin, ${CHANNEL_WIDTH})`;
}

/** As a part of a channel's name: bytes, such as those of a UUID, are hexadecimal. */
function nameOf(row: string, { name, type }: Column): string {
  const value = `${row}.${quote(name)}`;
  return BYTES.test(type) ? `LOWER(HEX(${value}))` : value;
}

/** A trigger is in the schema of its table. */
function triggerOf(table: TableName, event: string): string {
  return quoteTable({ ...table, name: `${PREFIX}${table.name}_${event}` });
}

function literal(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
