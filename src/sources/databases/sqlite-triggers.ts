import { identifier } from './identifiers.ts';
import { type Attachment, CHANNEL_WIDTH, type Column, PREFIX, quoted, type TriggerTexts } from './triggers.ts';

const EVENTS = ['insert', 'update', 'delete'] as const;

export const sqliteTriggers: TriggerTexts = {
  columns: 'SELECT name, lower(type) AS type FROM pragma_table_info(?) ORDER BY cid',

  attach: (attachment) => [
    ...sqliteTriggers.detach(attachment.table),
    ...EVENTS.map((event) => triggerText(event, attachment)),
  ],

  detach: (table) => EVENTS.map((event) => `DROP TRIGGER IF EXISTS ${identifier(`${PREFIX}${table}_${event}`)}`),

  attached: `SELECT tbl_name AS name FROM sqlite_schema
    WHERE type = 'trigger' AND name = '${PREFIX}' || tbl_name || '_insert'`,

  grant: () => [],
  drop: (outbox) => [`DROP TABLE IF EXISTS ${identifier(outbox)}`],
};

function triggerText(event: (typeof EVENTS)[number], { table, columns, channel, outbox }: Attachment): string {
  const row = event === 'delete' ? 'NULL' : objectOf('NEW', columns);
  const old = event === 'insert' ? 'NULL' : objectOf('OLD', columns);
  const data = `json_object('op', '${event}', 'table', ${quoted(table)}, 'row', ${row}, 'old', ${old})`;
  const rows = event === 'update' ? ['NEW', 'OLD'] : [event === 'insert' ? 'NEW' : 'OLD'];
  // The column's own collation may take two texts for one, such as `ana` and `Ana`.
  const changed = ({ name }: Column) => `NEW.${identifier(name)} COLLATE BINARY IS NOT OLD.${identifier(name)}`;
  const when = columns.map(changed).join(' OR ');
  return `CREATE TRIGGER ${identifier(`${PREFIX}${table}_${event}`)} AFTER ${event.toUpperCase()} ON ${identifier(table)} FOR EACH ROW
${event === 'update' ? `WHEN ${when}\n` : ''}BEGIN
  INSERT INTO ${identifier(outbox)} (channel, data)
    ${rows.map((row) => `SELECT ${channelOf(row, channel)}, ${data}`).join('\n    UNION ')};
END`;
}

/** JSON has no bytes: they are hexadecimal after `\x`, as Postgres writes them. */
function objectOf(row: string, columns: readonly Column[]): string {
  const members = columns.map(({ name }) => {
    const value = `${row}.${identifier(name)}`;
    return `${quoted(name)}, CASE typeof(${value}) WHEN 'blob' THEN '\\x' || lower(hex(${value})) ELSE ${value} END`;
  });
  return `json_object(${members.join(', ')})`;
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
