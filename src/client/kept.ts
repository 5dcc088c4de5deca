import type { OutboxStore, Saved } from './outbox.ts';

/**
 * Where the outbox survives the page: `localStorage`, `sessionStorage`, or an object with the same methods.
 */
export interface OutboxStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/**
 * For the option `storage`: keeps the publications of one address that are not acknowledged yet. It is a function of its
 * own, so that pages without it do not load it.
 *
 * @example
 * new Client('wss://example.org', { storage: keptIn(localStorage) });
 */
export function keptIn(storage: OutboxStorage): OutboxStore {
  const itemOf = (url: string, key: string) => `zocalo:${url}:${key}`;
  return {
    load: (url) => {
      const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
      // A name contains the time and a counter, both padded: sorting names gives the order of publishing.
      const ours = names.filter((name) => name.startsWith(itemOf(url, ''))).sort();
      return ours.flatMap((name) => {
        const saved = parse(storage.getItem(name));
        if (!saved) storage.removeItem(name);
        return saved ?? [];
      });
    },
    save: (url, { key, channel, data, options }) =>
      storage.setItem(itemOf(url, key), JSON.stringify([key, channel, data, options])),
    remove: (url, key) => storage.removeItem(itemOf(url, key)),
  };
}

function parse(text: string | null): Saved | undefined {
  try {
    const [key, channel, data, options] = JSON.parse(text ?? '');
    if (![key, channel, data].every((part) => typeof part === 'string')) return undefined;
    JSON.parse(data);
    return { key, channel, data, options };
  } catch {
    // From another program or version: it can never be sent.
    return undefined;
  }
}
