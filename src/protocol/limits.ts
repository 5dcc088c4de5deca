/** Characters of a channel's name or of a pattern. By itself, so that the SDK need not carry the other limits. */
export const CHANNEL_LENGTH = 255;

/** What a line may hold at most. A breach is answered with `BAD_MESSAGE`, or with the code named. */
export const LIMITS = {
  /** Lines in a frame: what the SDK's outbox sends after a reconnect, and a bound on the work one frame can ask for. */
  lines: 1_000,
  /**
   * Arrays and objects inside each other, the line's own array included. 64 is the smallest limit among the common
   * JSON readers (.NET's default; PHP's is 512, Python's about 1,000), so that whoever subscribes can read it.
   */
  depth: 64,
  /** A request's number: positive, and small enough for a 32-bit integer in any language. */
  id: 2 ** 31 - 1,
  /** Characters of a channel's name or of a pattern; `BAD_CHANNEL`. */
  channel: CHANNEL_LENGTH,
  /** Characters of a publication's key: a UUID has 36. */
  key: 64,
  /** Characters of a method's name. */
  method: 128,
  /** Characters of a log's epoch. */
  epoch: 64,
  /** Characters of a token or ticket: the size of a request header that HTTP servers commonly allow. */
  token: 8_192,
  /** Characters of a login's user, and of its password. */
  login: 256,
  /** Publications that a subscriber can take at once, and entries that one `get` can ask for. */
  credit: 10_000,
} as const;
