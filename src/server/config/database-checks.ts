import { canNotify } from '../../sources/index.ts';
import { databaseAddress } from '../databases/index.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

/** A database that is named must be an entry of `databases`. */
export function checkDatabases(config: Config, wrong: (path: Path, sentence: string) => void): void {
  const { auth, databases, sinks, channels, sources } = config;
  const isUnknown = (name: string) => /^[\w-]+$/.test(name) && !Object.hasOwn(databases, name);
  const check = (value: { readonly database: string } | undefined, path: Path) => {
    const name = value?.database;
    if (name !== undefined && isUnknown(name))
      wrong([...path, 'database'], `is ${name}, which databases does not have`);
  };
  const checkOutbox = (
    source: { readonly database: string; readonly notifications?: string | undefined },
    path: Path,
  ) => {
    check(source, path);
    const { database, notifications } = source;
    if (notifications === undefined) return;
    if (isUnknown(notifications))
      wrong([...path, 'notifications'], `is ${notifications}, which databases does not have`);
    for (const [key, name] of Object.entries({ database, notifications }))
      if (!isUnknown(name) && !canNotify(databaseAddress(name, databases)))
        wrong([...path, key], 'is no Postgres, which alone has notifications: postgres://…');
  };
  for (const [name, { into }] of Object.entries(sinks)) check(into, ['sinks', name, 'into']);
  for (const [name, { into }] of Object.entries(channels)) check(into, ['channels', name, 'into']);
  for (const [name, source] of Object.entries(sources))
    if ('database' in source) checkOutbox(source, ['sources', name]);
    else if ('into' in source) check(source.into, ['sources', name, 'into']);
  const users = auth.login?.users;
  if (typeof users === 'object') check(users, ['auth', 'login', 'users']);
}
