import type { LoginConfig } from '../config/index.ts';
import { databaseAddress } from '../databases/index.ts';

/** The users with the address of their database in place of its name. */
export function withAddress(
  users: LoginConfig['users'],
  databases: Readonly<Record<string, string>>,
): LoginConfig['users'] {
  return typeof users === 'string' ? users : { ...users, database: databaseAddress(users.database, databases) };
}
