import { loadDriver } from '../../optional-package.ts';
import { databaseFailure } from './failure.ts';
import { identifier, qualified } from './identifiers.ts';
import { postgresSink } from './postgres-sink.ts';
import { postgresTriggers } from './postgres-triggers.ts';
import type { Dialect, OutboxTexts, Session, SqlRow, SqlValue } from './session.ts';

/** Milliseconds. A connection that dies silently is noticed by the query that gets no answer. */
const CONNECT_TIMEOUT = 10_000;
const QUERY_TIMEOUT = 30_000;

/**
 * An outbox has few rows and many deleted ones, and its statistics lag behind: without these settings, whole tables are
 * read. They are for this transaction alone, since a pooler gives the session to others afterwards. One message to the
 * server.
 */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off';

/** What is used of the package pg. */
interface Client {
  connect(): Promise<unknown>;
  query(text: string, values?: readonly unknown[]): Promise<{ rows: SqlRow[] }>;
  end(): Promise<void>;
  on(event: 'error' | 'notification', listener: () => void): unknown;
  readonly connection: { readonly stream: { destroy(): void } };
}
interface Driver {
  readonly default: { readonly Client: new (options: object) => Client };
}

export const postgres: Dialect = {
  form: 'postgres://user:password@host/database',
  quote: (name) => identifier(name),
  asText: (expression) => `${expression}::text`,
  placeholder: '$1',

  outbox(table): OutboxTexts {
    const name = qualified(table);
    return {
      begin: [BEGIN],
      commit: ['COMMIT'],
      lock: `SELECT id::text AS id, channel, octet_length(data::text) AS size,
        CASE WHEN octet_length(data::text) <= $1::int THEN data::text END AS data, idempotency_key,
        (extract(epoch FROM created_at) * 1000000)::bigint::text AS created,
        (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age
        FROM ${name} WHERE error IS NULL AND NOT (id = ANY($2::bigint[]))
        ORDER BY ${name}.id LIMIT $3 FOR UPDATE SKIP LOCKED`,
      between: `SELECT channel, min(id)::text AS id FROM ${name} WHERE error IS NULL AND channel = ANY($1)
        AND id <= $2::bigint AND NOT (id = ANY($3::bigint[])) GROUP BY channel`,
      read: `SELECT id::text AS id, data::text AS data FROM ${name} WHERE id = ANY($1::bigint[])`,
      remove: `DELETE FROM ${name} WHERE id = ANY($1::bigint[])`,
      setAside: `UPDATE ${name} SET error = $1 WHERE id = $2::bigint`,
      measure: `SELECT count(*)::int AS waiting,
        coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS lag,
        (SELECT count(*)::int FROM (SELECT 1 FROM ${name} WHERE error IS NOT NULL LIMIT $2) AS failed) AS aside
        FROM (SELECT created_at FROM ${name} WHERE error IS NULL ORDER BY id LIMIT $1) AS rows`,
    };
  },

  /** The trigger is for each statement: every NOTIFY takes a lock of the whole server at the commit. */
  create(table) {
    const name = qualified(table);
    const plain = table.split('.').at(-1)!;
    const wake = qualified(`${table}_wake`);
    return [
      `CREATE TABLE ${name} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel varchar(256) NOT NULL,
  data json NOT NULL,
  idempotency_key varchar(64),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  error text
)`,
      `CREATE INDEX ${qualified(`${plain}_channel`)} ON ${name} (channel, id)`,
      `CREATE FUNCTION ${wake}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify(TG_TABLE_NAME, '');
  RETURN NULL;
END $$`,
      `CREATE TRIGGER ${qualified(`${plain}_wake`)} AFTER INSERT ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION ${wake}()`,
    ];
  },

  triggers: postgresTriggers,
  sink: postgresSink,

  async connect(address, table, onWake): Promise<Session> {
    const { Client } = ((await loadDriver('pg', 'a Postgres database')) as Driver).default;
    const client = new Client({
      connectionString: address.replace(/^postgresql:/, 'postgres:'),
      application_name: 'zocalo',
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: QUERY_TIMEOUT,
      keepAlive: true,
    });
    client.on('error', () => {}); // the next query tells
    client.on('notification', onWake);
    const session: Session = {
      async query(text, values: readonly SqlValue[] = []) {
        try {
          return (await client.query(text, values)).rows;
        } catch (error) {
          throw databaseFailure(address, error);
        }
      },
      close() {
        client.connection.stream.destroy();
        client.end().catch(() => {});
      },
    };
    try {
      await client.connect();
      // Behind a pooler that cannot, this does nothing, and rows are found by polling.
      if (table !== '') await session.query(`LISTEN ${qualified(table.split('.').at(-1)!)}`);
      return session;
    } catch (error) {
      session.close();
      throw databaseFailure(address, error);
    }
  },
};
