import { type Broker, memory, sqlite } from '../broker/index.ts';
import { ZocaloError } from '../errors.ts';

/**
 * The broker of a config's `store`: `sqlite:<file>`, or `memory:`. `keys`: how many keys of publications it knows at a
 * time. @throws ZocaloError BAD_OPTION.
 */
export function brokerOf(store: string, keys: number): Broker {
  const [, kind, file] = /^(\w+):(.*)$/.exec(store) ?? [];
  if (kind === 'memory') return memory({ keys: { count: keys } });
  if (kind === 'sqlite' && file) return sqlite(file, { keys: { count: keys } });
  throw new ZocaloError('BAD_OPTION', `the store ${JSON.stringify(store)} is of no known kind`, {
    advice: 'write sqlite:<file>, or memory:',
  });
}

/** A file of the daemon's own next to the store's: `zocalo.db-webhooks`. Undefined where nothing is kept in a file. */
export function fileBeside(store: string, name: string): string | undefined {
  const [, file] = /^sqlite:(.+)$/.exec(store) ?? [];
  return file === undefined ? undefined : `${file}-${name}`;
}
