import { identifier, tableIdentifier } from './identifiers.ts';
import { type Attachment, CHANNEL_WIDTH, type Column, PREFIX, quoted, type TriggerTexts } from './triggers.ts';

const EVENTS = ['insert', 'update', 'delete'] as const;

export const sqliteTriggers: TriggerTexts = {
  home: undefined,
  columns: 'SELECT name, lower(type) AS type FROM pragma_table_info(?1) WHERE ?2 IS NULL ORDER BY cid',

  attach: (attachment) => [
    ...sqliteTriggers.detach(attachment.table),
    ...EVENTS.map((event) => triggerText(event, attachment)),
  ],

  detach: (table) => EVENTS.map((event) => `DROP TRIGGER IF EXISTS ${identifier(`${PREFIX}${table.name}_${event}`)}`),

  attached: `SELECT tbl_name AS name, NULL AS schema, sql AS body FROM sqlite_schema
    WHERE type = 'trigger' AND name = '${PREFIX}' || tbl_name || '_insert'`,

  grant: () => [],
  target: (outbox) => `INSERT INTO ${tableIdentifier(outbox)} (channel, data)`,
  drop: (outbox) => [`DROP TABLE IF EXISTS ${tableIdentifier(outbox)}`],
};

function triggerText(event: (typeof EVENTS)[number], { table, columns, channel, outbox }: Attachment): string {
  const row = event === 'delete' ? 'NULL' : objectOf('NEW', columns);
  const old = event === 'insert' ? 'NULL' : objectOf('OLD', columns);
  const data = `json_object('op', '${event}', 'table', ${quoted(table.name)}, 'row', ${row}, 'old', ${old})`;
  const rows = event === 'update' ? ['NEW', 'OLD'] : [event === 'insert' ? 'NEW' : 'OLD'];
  // The column's own collation may take two texts for one, such as `ana` and `Ana`.
  const changed = ({ name }: Column) => `NEW.${identifier(name)} COLLATE BINARY IS NOT OLD.${identifier(name)}`;
  const when = columns.map(changed).join(' OR ');
  return `CREATE TRIGGER ${identifier(`${PREFIX}${table.name}_${event}`)} AFTER ${event.toUpperCase()} ON ${identifier(table.name)} FOR EACH ROW
${event === 'update' ? `WHEN ${when}\n` : ''}BEGIN
  ${sqliteTriggers.target(outbox)}
    ${rows.map((row) => `SELECT ${channelOf(row, channel)}, ${data}`).join('\n    UNION ')};
END`;
}

/**
 * Columns of one `json_object`. Before SQLite 3.48 a function took 127 arguments. A program with such a version could
 * not even read the schema of a file with a longer trigger.
 */
const COLUMNS = 50;

/** As Postgres writes it: JSON has no bytes, which are hexadecimal after `\x`, and no infinity, which is a text. */
function objectOf(row: string, columns: readonly Column[]): string {
  const members = columns.map(({ name }) => {
    const value = `${row}.${identifier(name)}`;
    return `${quoted(name)}, CASE typeof(${value}) WHEN 'blob' THEN '\\x' || lower(hex(${value})) WHEN 'real' THEN CASE ${value} WHEN 9e999 THEN 'Infinity' WHEN -9e999 THEN '-Infinity' ELSE ${value} END ELSE ${value} END`;
  });
  const objects: string[] = [];
  for (let at = 0; at < members.length; at += COLUMNS)
    objects.push(`json_object(${members.slice(at, at + COLUMNS).join(', ')})`);
  // No value is an object: so only the outer braces are taken off.
  const inner = objects.map((object) => `trim(${object}, '{}')`).join(" || ',' || ");
  return objects.length === 1 ? objects[0]! : `json('{' || ${inner} || '}')`;
}

/** As a part of a channel's name: bytes are hexadecimal. */
function textOf(row: string, { name }: Column): string {
  const value = `${row}.${identifier(name)}`;
  return `CASE typeof(${value}) WHEN 'blob' THEN lower(hex(${value})) ELSE ${value} END`;
}

function channelOf(row: string, channel: Attachment['channel']): string {
  const parts = channel.map((part) =>
    typeof part === 'string' ? quoted(part) : `ifnull(${textOf(row, part)}, 'null')`,
  );
  return `substr(${parts.join(' || ')}, 1, ${CHANNEL_WIDTH})`;
}
