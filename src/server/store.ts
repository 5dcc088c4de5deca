import { type Broker, memory, sqlite } from '../broker/index.ts';
import { ZocaloError } from '../errors.ts';

/** The broker of a config's `store`: `sqlite:<file>`, or `memory:`. @throws ZocaloError BAD_OPTION. */
export function brokerOf(store: string): Broker {
  const [, kind, file] = /^(\w+):(.*)$/.exec(store) ?? [];
  if (kind === 'memory') return memory();
  if (kind === 'sqlite' && file) return sqlite(file);
  throw new ZocaloError('BAD_OPTION', `the store ${JSON.stringify(store)} is of no known kind`, {
    advice: 'write sqlite:<file>, or memory:',
  });
}

/** A file of the daemon's own next to the store's: `zocalo.db-webhooks`. Undefined where nothing is kept in a file. */
export function fileBeside(store: string, name: string): string | undefined {
  const [, file] = /^sqlite:(.+)$/.exec(store) ?? [];
  return file === undefined ? undefined : `${file}-${name}`;
}
