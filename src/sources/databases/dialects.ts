import { connectFor } from './grants.ts';
import { mysql } from './mysql.ts';
import { type Outbox, OutboxTable } from './outbox.ts';
import { postgres } from './postgres.ts';
import type { Dialect, Session } from './session.ts';
import { sqlite } from './sqlite.ts';

/** The kinds of databases, by the scheme of their addresses. */
export const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgres,
  postgresql: postgres,
  mysql,
  mariadb: mysql,
  sqlite,
};

/** In words: `postgres://…, mysql://… or sqlite:<file>`. */
export const DATABASE_FORMS = 'postgres://…, mysql://…, mariadb://… or sqlite:<file>';

/** Undefined for an unknown kind, or an address without a host, database or file. */
export function dialectOf(address: string): Dialect | undefined {
  const [, scheme = '', rest = ''] = /^(\w+):(.+)$/.exec(address) ?? [];
  if (!Object.hasOwn(DIALECTS, scheme)) return undefined;
  if (scheme === 'sqlite') return DIALECTS.sqlite;
  const url = URL.parse(address);
  return rest.startsWith('//') && url?.host && url.pathname.length > 1 ? DIALECTS[scheme] : undefined;
}

/** Connects to a database for its outbox. Without `onWake` it does not listen. @throws as `Dialect.connect`. */
export async function openOutbox(address: string, table: string, onWake?: () => void): Promise<Outbox> {
  const dialect = dialectOf(address)!;
  const needs = { grants: [['SELECT, UPDATE, DELETE', table]] } as const;
  const session = await connectFor(needs, dialect, address, onWake && table, onWake);
  return new OutboxTable(session, dialect.outbox(table));
}

/** Connects to a database to hear of the rows of an outbox. @throws as `Dialect.connect`. */
export function openNotifications(address: string, table: string, onWake: () => void): Promise<Session> {
  return dialectOf(address)!.connect(address, table, onWake);
}

/** Whether a database can tell by itself that rows came. */
export function canNotify(address: string): boolean {
  return dialectOf(address) === postgres;
}
