import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DatabaseServer } from '../../support/database-server.ts';
import { MARIADB, startMariadb } from '../../support/mariadb.ts';
import { missing } from '../../support/need.ts';
import { noPostgres, startPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A kind of database as the chaos needs it. */
export interface Kind {
  /** For `skip`. */
  readonly skip: string | false;
  /** Whether it is a program of its own, which can be killed. */
  readonly isServer: boolean;
  start(t: Pick<TestContext, 'after'>): Promise<DatabaseServer>;
  readonly begin: string;
  /** Makes the daemon's own user, who may do no more than docs/databases.md says; or what else it takes. */
  readonly prepare: readonly string[];
  /** Finds the daemon's connections, as `id`, and cuts one. */
  readonly connections: string;
  readonly cut: (id: string) => string;
}

const grant = (who: string) => `GRANT SELECT, UPDATE, DELETE ON zocalo_outbox TO ${who}`;

export const KINDS = {
  mariadb: {
    skip: missing(...MARIADB),
    isServer: true,
    start: startMariadb,
    begin: 'START TRANSACTION',
    prepare: ["CREATE USER zocalo@'127.0.0.1'", grant("zocalo@'127.0.0.1'")],
    connections: "SELECT id FROM information_schema.processlist WHERE user = 'zocalo'",
    cut: (id) => `KILL ${id}`,
  },
  postgres: {
    skip: noPostgres,
    isServer: true,
    start: startPostgres,
    begin: 'BEGIN',
    prepare: ['CREATE ROLE zocalo LOGIN', grant('zocalo')],
    connections: "SELECT pid AS id FROM pg_stat_activity WHERE usename = 'zocalo'",
    cut: (id) => `SELECT pg_terminate_backend(${id})`,
  },
  sqlite: {
    skip: false,
    isServer: false,
    async start(t) {
      const file = join(temporaryFolder(t), 'shop.db');
      writeFileSync(file, '');
      return { address: `sqlite:${file}`, start: async () => {}, stop: async () => {} };
    },
    begin: 'BEGIN IMMEDIATE',
    // Otherwise four writers that pause within transactions leave a fifth no room.
    prepare: ['PRAGMA journal_mode = WAL'],
    connections: 'SELECT 1 AS id WHERE false',
    cut: () => '',
  },
} satisfies Record<string, Kind>;
