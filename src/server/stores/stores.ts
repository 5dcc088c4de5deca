import { type Broker, memory, redis, sqlite, type Waiting } from '../../broker/index.ts';
import { ZocaloError } from '../../errors.ts';
import type { StoreFinding } from './finding.ts';
import { inspectFile } from './inspect-file.ts';
import { inspectRedis } from './inspect-redis.ts';

/** One kind of store. `place` is the part of the address after the scheme: `zocalo.db` in `sqlite:zocalo.db`. */
export interface Store {
  /** For help and messages: `sqlite:<file>`. */
  readonly form: string;
  /** Whether it needs a place. */
  readonly hasPlace: boolean;
  /** `keys`: how many keys of publications it remembers at a time. `waiting`: for a server that is away at the start. */
  open(place: string, keys: number, waiting?: Waiting): Broker;
  /** A file for the daemon beside the store's file: `zocalo.db-webhooks`. Absent when the store has no file. */
  besides?(place: string, name: string): string;
  /** Checks whether it can be used here. `isRunning`: a daemon is using it already. */
  inspect?(place: string, isRunning: boolean): StoreFinding | Promise<StoreFinding>;
}

/** The kinds of stores, by scheme. A new kind is a new row. */
export const STORES: Readonly<Record<string, Store>> = {
  sqlite: {
    form: 'sqlite:<file>',
    hasPlace: true,
    open: (file, keys) => sqlite(file, { keys: { count: keys } }),
    besides: (file, name) => `${file}-${name}`,
    inspect: inspectFile,
  },
  ...redisStores('redis', 'rediss', 'redis+sentinel', 'rediss+sentinel', 'redis+cluster', 'rediss+cluster'),
  memory: {
    form: 'memory',
    hasPlace: false,
    open: (_, keys) => memory({ keys: { count: keys } }),
    inspect: () => ({
      level: 'warning',
      sentence: 'memory: a restart loses every message',
      advice: 'store: sqlite:zocalo.db keeps them',
    }),
  },
};

/** One server, sentinels or a cluster, without and with TLS: see the addresses of Redis. */
function redisStores(...schemes: string[]): Record<string, Store> {
  return Object.fromEntries(
    schemes.map((scheme) => [
      scheme,
      {
        form: 'redis://<host>',
        hasPlace: true,
        open: (place, keys, waiting) =>
          redis(`${scheme}:${place}`, { keys: { count: keys }, ...(waiting && { waiting }) }),
        inspect: (place) => inspectRedis(`${scheme}:${place}`),
      } satisfies Store,
    ]),
  );
}

/** The forms of all kinds, in words: `sqlite:<file>, redis://<host> or memory`. */
export function storeForms(stores = STORES): string {
  const forms = [...new Set(Object.values(stores).map(({ form }) => form))];
  return forms.length > 2 ? `${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}` : forms.join(' or ');
}

/** The store of an address, and its place. Undefined for an unknown kind, or a missing place. */
export function storeOf(address: string, stores = STORES): { store: Store; place: string } | undefined {
  const [, scheme = '', place = ''] = /^([\w+]+)(?::(.*))?$/.exec(address) ?? [];
  const store = Object.hasOwn(stores, scheme) ? stores[scheme] : undefined;
  return store && store.hasPlace === (place !== '') ? { store, place } : undefined;
}

function knownStore(address: string, stores: typeof STORES) {
  const found = storeOf(address, stores);
  if (found) return found;
  throw new ZocaloError('BAD_OPTION', `the store ${JSON.stringify(address)} is of an unknown kind`, {
    advice: `write ${storeForms(stores).replace(/\bmemory\b/, 'memory:')}`,
  });
}

/** The broker of a configuration's `store`. @throws ZocaloError BAD_OPTION. */
export function brokerOf(
  address: string,
  { keys, waiting }: { readonly keys: number; readonly waiting?: Waiting },
  stores = STORES,
): Broker {
  const { store, place } = knownStore(address, stores);
  return store.open(place, keys, waiting);
}

/** A file for the daemon beside the store's file. Undefined when the store has no file. */
export function fileBeside(address: string, name: string, stores = STORES): string | undefined {
  const { store, place } = knownStore(address, stores);
  return store.besides?.(place, name);
}

/** What the doctor reports about a store. */
export async function inspectStore(address: string, isRunning: boolean, stores = STORES): Promise<StoreFinding> {
  const { store, place } = knownStore(address, stores);
  return (await store.inspect?.(place, isRunning)) ?? { level: 'ok', sentence: `${address} was not checked` };
}
