import { type Broker, memory, sqlite } from '../../broker/index.ts';
import { ZocaloError } from '../../errors.ts';
import type { StoreFinding } from './finding.ts';
import { inspectFile } from './inspect-file.ts';

/** One kind of store. `place` is what follows the scheme and its colon: `zocalo.db` of `sqlite:zocalo.db`. */
export interface Store {
  /** For help and messages: `sqlite:<file>`. */
  readonly form: string;
  /** Whether it needs a place. */
  readonly hasPlace: boolean;
  /** `keys`: how many keys of publications it knows at a time. */
  open(place: string, keys: number): Broker;
  /** A file of the daemon's own next to the store's: `zocalo.db-webhooks`. Undefined where nothing is kept in a file. */
  besides?(place: string, name: string): string;
  /** Whether it can be used here. `isRunning`: by a daemon that runs already. */
  inspect?(place: string, isRunning: boolean): StoreFinding | Promise<StoreFinding>;
}

/** Where the logs can live, by scheme. A new kind is a row. */
export const STORES: Readonly<Record<string, Store>> = {
  sqlite: {
    form: 'sqlite:<file>',
    hasPlace: true,
    open: (file, keys) => sqlite(file, { keys: { count: keys } }),
    besides: (file, name) => `${file}-${name}`,
    inspect: inspectFile,
  },
  memory: {
    form: 'memory',
    hasPlace: false,
    open: (_, keys) => memory({ keys: { count: keys } }),
    inspect: () => ({
      level: 'warning',
      sentence: 'memory: a restart forgets every message',
      advice: 'store: sqlite:zocalo.db keeps them',
    }),
  },
};

/** The forms of all kinds, in words: `sqlite:<file> or memory`. */
export function storeForms(stores = STORES): string {
  const forms = Object.values(stores).map(({ form }) => form);
  return forms.length > 2 ? `${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}` : forms.join(' or ');
}

/** The row of an address, and its place. Undefined for what is of no known kind, or lacks its place. */
export function storeOf(address: string, stores = STORES): { store: Store; place: string } | undefined {
  const [, scheme = '', place = ''] = /^(\w+)(?::(.*))?$/.exec(address) ?? [];
  const store = Object.hasOwn(stores, scheme) ? stores[scheme] : undefined;
  return store && store.hasPlace === (place !== '') ? { store, place } : undefined;
}

function knownStore(address: string, stores: typeof STORES) {
  const found = storeOf(address, stores);
  if (found) return found;
  throw new ZocaloError('BAD_OPTION', `the store ${JSON.stringify(address)} is of no known kind`, {
    advice: `write ${storeForms(stores).replace(/\bmemory\b/, 'memory:')}`,
  });
}

/** The broker of a configuration's `store`. @throws ZocaloError BAD_OPTION. */
export function brokerOf(address: string, keys: number, stores = STORES): Broker {
  const { store, place } = knownStore(address, stores);
  return store.open(place, keys);
}

/** A file of the daemon's own next to the store's. Undefined where nothing is kept in a file. */
export function fileBeside(address: string, name: string, stores = STORES): string | undefined {
  const { store, place } = knownStore(address, stores);
  return store.besides?.(place, name);
}

/** What the doctor says of a store. */
export async function inspectStore(address: string, isRunning: boolean, stores = STORES): Promise<StoreFinding> {
  const { store, place } = knownStore(address, stores);
  return (await store.inspect?.(place, isRunning)) ?? { level: 'ok', sentence: `${address} is not looked at` };
}
