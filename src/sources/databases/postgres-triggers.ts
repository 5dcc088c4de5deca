import { identifier, type TableName, tableIdentifier, tableText } from './identifiers.ts';
import { CHANNEL_WIDTH, type Column, type Home, PREFIX, quoted, type TriggerTexts } from './triggers.ts';

/**
 * One function for a table, in its schema. It writes the row as Postgres does: bytes as hexadecimal after `\x`, NaN and infinity as
 * texts, numbers with all their digits. It has the rights of its owner, so that the application needs none for the
 * outbox.
 */
export const postgresTriggers: TriggerTexts = {
  home: 'SELECT current_schema() AS name',

  columns: `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
    WHERE table_name = $1 AND table_schema = coalesce($2, current_schema()) ORDER BY ordinal_position`,

  // The table's name is written out: in a trigger of a partition, TG_TABLE_NAME is the partition's.
  attach({ table, channel, outbox }) {
    const { name, call } = namesOf(table);
    const of = (row: string) => {
      const parts = channel.map((part) =>
        typeof part === 'string' ? quoted(part) : `coalesce(${textOf(row, part)}, 'null')`,
      );
      return `left(${parts.join(' || ')}, ${CHANNEL_WIDTH})`;
    };
    return [
      `CREATE OR REPLACE FUNCTION ${call} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW *= OLD THEN RETURN NULL; END IF;
  ${postgresTriggers.target(outbox)}
    SELECT name, json_build_object('op', lower(TG_OP), 'table', ${quoted(tableText(table))}::text,
      'row', CASE WHEN TG_OP <> 'DELETE' THEN to_json(NEW) END,
      'old', CASE WHEN TG_OP <> 'INSERT' THEN to_json(OLD) END)
    FROM (SELECT CASE WHEN TG_OP <> 'DELETE' THEN ${of('NEW')} END
      UNION SELECT CASE WHEN TG_OP <> 'INSERT' THEN ${of('OLD')} END) AS channels (name)
    WHERE name IS NOT NULL;
  RETURN NULL;
END $$`,
      `DROP TRIGGER IF EXISTS ${name} ON ${tableIdentifier(table)}`,
      `CREATE TRIGGER ${name} AFTER INSERT OR UPDATE OR DELETE ON ${tableIdentifier(table)} FOR EACH ROW EXECUTE FUNCTION ${call}`,
    ];
  },

  detach: (table) => {
    const { name, call } = namesOf(table);
    return [`DROP TRIGGER IF EXISTS ${name} ON ${tableIdentifier(table)}`, `DROP FUNCTION IF EXISTS ${call}`];
  },

  // A partition has a copy of its table's trigger, which has the name of that table. Long names are cut off.
  attached: `SELECT c.relname AS name, nullif(n.nspname, current_schema()) AS schema, p.prosrc AS body
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgname = ('${PREFIX}' || c.relname)::name ORDER BY 2, 1`,

  target: (outbox) => `INSERT INTO ${tableIdentifier(outbox)} (channel, data)`,

  grant: (user, password, outbox, home) => {
    const schema = closedSchema(outbox, home);
    return [
      `CREATE ROLE ${identifier(user)} LOGIN PASSWORD ${quoted(password)}`,
      `GRANT SELECT, UPDATE, DELETE ON ${tableIdentifier(outbox)} TO ${identifier(user)}`,
      ...(schema ? [`GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${identifier(user)}`] : []),
    ];
  },

  drop: (outbox, user, home) => {
    const schema = closedSchema(outbox, home);
    const name = identifier(user);
    return [
      `DROP TABLE IF EXISTS ${tableIdentifier(outbox)}`,
      `DROP FUNCTION IF EXISTS ${tableIdentifier({ ...outbox, name: `${outbox.name}_wake` })}()`,
      // A role with rights cannot be dropped, and REVOKE wants one that exists.
      ...(schema
        ? [
            `DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoted(user)}) THEN
  REVOKE USAGE ON SCHEMA ${identifier(schema)} FROM ${name};
END IF; END $$`,
          ]
        : []),
      `DROP ROLE IF EXISTS ${name}`,
    ];
  },
};

function namesOf(table: TableName): { readonly name: string; readonly call: string } {
  const name = PREFIX + table.name;
  return { name: identifier(name), call: `${tableIdentifier({ ...table, name })}()` };
}

/** The schema of the outbox, if a new role may not use it anyway. */
function closedSchema(outbox: TableName, home: Home): string | undefined {
  const { schema = home.schema } = outbox;
  return schema === 'public' ? undefined : schema;
}

/** As a part of a channel's name: bytes are hexadecimal. */
function textOf(row: string, { name, type }: Column): string {
  const value = `${row}.${identifier(name)}`;
  return type === 'bytea' ? `encode(${value}, 'hex')` : `${value}::text`;
}
