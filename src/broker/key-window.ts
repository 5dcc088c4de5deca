/**
 * How long a broker knows the keys of publications: both bounds hold, over all channels together. Ten minutes outlast
 * a reconnect with its pauses by far; the count bounds what is held.
 */
export interface KeyWindow {
  /** Milliseconds since the first publication with the key. */
  ttl: number;
  /** The last so many publications that had a key. */
  count: number;
}

export const DEFAULT_KEY_WINDOW: KeyWindow = { ttl: 600_000, count: 100_000 };

export function keyReused(channel: string, key: string): string {
  return `${channel} has another publication with the key ${key}`;
}
