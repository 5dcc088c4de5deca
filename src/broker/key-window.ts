/**
 * How long a broker knows the keys of publications. Time alone decides; the count bounds what they take, over all
 * channels together: what finds no room is refused, with LOG_BUSY, and pushes nothing out.
 */
export interface KeyWindow {
  /** Milliseconds since the first publication with the key. Ten minutes outlast a reconnect with its pauses by far. */
  ttl: number;
  /**
   * Keys that may be known at a time, some 60 bytes of memory each. One owner may have as many as there is room left,
   * so that however many one has, others find room; the server itself eight times that.
   */
  count: number;
}

export const DEFAULT_KEY_WINDOW: KeyWindow = { ttl: 600_000, count: 4_000_000 };

export function keyReused(channel: string, key: string): string {
  return `${channel} has another publication with the key ${key}`;
}

export function noRoom(channel: string, owner: string | undefined): string {
  return `${channel}: ${owner === undefined ? 'the server' : owner} has as many keys as may be known at a time`;
}
