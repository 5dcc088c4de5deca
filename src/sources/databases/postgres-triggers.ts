import { identifier } from './identifiers.ts';
import { CHANNEL_WIDTH, type Column, PREFIX, quoted, type TriggerTexts } from './triggers.ts';

/**
 * One function for a table. It writes the row as Postgres does: bytes as hexadecimal after `\x`, NaN and infinity as
 * texts, numbers with all their digits. It has the rights of its owner, so that the application needs none for the
 * outbox.
 */
export const postgresTriggers: TriggerTexts = {
  columns: `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,

  // The table's name is written out: in a trigger of a partition, TG_TABLE_NAME is the partition's.
  attach({ table, channel, outbox }) {
    const name = identifier(PREFIX + table);
    const of = (row: string) => {
      const parts = channel.map((part) =>
        typeof part === 'string' ? quoted(part) : `coalesce(${textOf(row, part)}, 'null')`,
      );
      return `left(${parts.join(' || ')}, ${CHANNEL_WIDTH})`;
    };
    return [
      `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW *= OLD THEN RETURN NULL; END IF;
  INSERT INTO ${identifier(outbox)} (channel, data)
    SELECT name, json_build_object('op', lower(TG_OP), 'table', ${quoted(table)}::text,
      'row', CASE WHEN TG_OP <> 'DELETE' THEN to_json(NEW) END,
      'old', CASE WHEN TG_OP <> 'INSERT' THEN to_json(OLD) END)
    FROM (SELECT CASE WHEN TG_OP <> 'DELETE' THEN ${of('NEW')} END
      UNION SELECT CASE WHEN TG_OP <> 'INSERT' THEN ${of('OLD')} END) AS channels (name)
    WHERE name IS NOT NULL;
  RETURN NULL;
END $$`,
      `DROP TRIGGER IF EXISTS ${name} ON ${identifier(table)}`,
      `CREATE TRIGGER ${name} AFTER INSERT OR UPDATE OR DELETE ON ${identifier(table)} FOR EACH ROW EXECUTE FUNCTION ${name}()`,
    ];
  },

  detach: (table) => {
    const name = identifier(PREFIX + table);
    return [`DROP TRIGGER IF EXISTS ${name} ON ${identifier(table)}`, `DROP FUNCTION IF EXISTS ${name}()`];
  },

  attached: `SELECT DISTINCT event_object_table AS name FROM information_schema.triggers
    WHERE trigger_schema = current_schema() AND trigger_name = '${PREFIX}' || event_object_table`,

  grant: (user, password, outbox) => [
    `CREATE ROLE ${identifier(user)} LOGIN PASSWORD ${quoted(password)}`,
    `GRANT SELECT, UPDATE, DELETE ON ${identifier(outbox)} TO ${identifier(user)}`,
  ],

  drop: (outbox, user) => [
    `DROP TABLE IF EXISTS ${identifier(outbox)}`,
    `DROP FUNCTION IF EXISTS ${identifier(`${outbox}_wake`)}()`,
    `DROP ROLE IF EXISTS ${identifier(user)}`,
  ],
};

/** As a part of a channel's name: bytes are hexadecimal. */
function textOf(row: string, { name, type }: Column): string {
  const value = `${row}.${identifier(name)}`;
  return type === 'bytea' ? `encode(${value}, 'hex')` : `${value}::text`;
}
