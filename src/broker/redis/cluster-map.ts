import type { RedisHost } from './addresses.ts';
import { SLOTS } from './slots.ts';

/** Which primary of a cluster has which slots. Servers are written as `host:port`. */
export interface ClusterMap {
  /** By slot. Undefined for a slot that nobody has. */
  readonly homes: readonly (string | undefined)[];
  /** All primaries that have slots, sorted. */
  readonly primaries: readonly string[];
}

export function placeOfHost({ host, port }: RedisHost): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Also of an address of IPv6 without brackets, as Redis writes it in MOVED. */
export function hostOfPlace(place: string): RedisHost {
  const at = place.lastIndexOf(':');
  return { host: place.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(place.slice(at + 1)) };
}

/** The answer to CLUSTER SLOTS. A server without a host of its own has the one that was asked. */
export function readSlots(answer: unknown, asked: string): ClusterMap {
  const homes: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  const { host: otherwise } = hostOfPlace(asked);
  for (const [from, to, [host, port]] of answer as [number, number, [string | null, number]][]) {
    const place = placeOfHost({ host: host === null || host === '' || host === '?' ? otherwise : host, port });
    homes.fill(place, from, to + 1);
  }
  return mapOf(homes);
}

/** One slot has moved. */
export function withHome({ homes }: ClusterMap, slot: number, place: string): ClusterMap {
  return mapOf(homes.with(slot, place));
}

/** Whether both say the same. */
export function isSameMap(one: ClusterMap, other: ClusterMap): boolean {
  return one.homes.every((home, slot) => home === other.homes[slot]);
}

export interface Redirection {
  readonly word: 'MOVED' | 'ASK';
  readonly slot: number;
  readonly place: string;
}

/** `MOVED 3999 127.0.0.1:6381`: where to go instead. Undefined for another error reply. */
export function readRedirection(message: string, asked: string): Redirection | undefined {
  const [, word, slot, place = ''] = /^(MOVED|ASK) (\d+) (\S+)$/.exec(message) ?? [];
  if (word === undefined) return undefined;
  const { host, port } = hostOfPlace(place);
  const known = host === '' || host === '?' ? hostOfPlace(asked).host : host;
  return { word: word as 'MOVED' | 'ASK', slot: Number(slot), place: placeOfHost({ host: known, port }) };
}

function mapOf(homes: (string | undefined)[]): ClusterMap {
  return { homes, primaries: [...new Set(homes)].filter((home) => home !== undefined).toSorted() };
}
