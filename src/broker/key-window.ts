/**
 * How long a broker knows the keys of publications. Only time removes them; `count` limits their memory, over all
 * channels together: a key that finds no room is refused with LOG_BUSY, and displaces no other.
 */
export interface KeyWindow {
  /**
   * Milliseconds since the first publication with the key. Ten minutes are much longer than a reconnect with its
   * pauses.
   */
  ttl: number;
  /**
   * Keys known at a time, some 60 bytes of memory each. One owner may have as many as there is room left, so that
   * others always find room; the server itself eight times that.
   */
  count: number;
}

export const DEFAULT_KEY_WINDOW: KeyWindow = { ttl: 600_000, count: 4_000_000 };

export function keyReused(channel: string, key: string): string {
  return `${channel} already has a publication with the key ${key}`;
}

export function noRoom(channel: string, owner: string | undefined): string {
  return `${channel}: ${owner === undefined ? 'the server' : owner} has reached the limit of known keys`;
}
