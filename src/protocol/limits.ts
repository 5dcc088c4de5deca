/** Characters of a channel name or pattern. It has its own constant so that the SDK does not carry the other limits. */
export const CHANNEL_LENGTH = 255;

/** Limits of a line. A violation is answered with `BAD_MESSAGE`, or with the code given here. */
export const LIMITS = {
  /**
   * Lines in a frame: what the SDK's outbox sends after a reconnect, and a limit on the work that one frame can cause.
   */
  lines: 1_000,
  /**
   * How deep arrays and objects may be nested, including the line's own array. 64 is the smallest default limit among
   * the common JSON parsers (.NET's; PHP's is 512, Python's about 1,000), so that every subscriber can parse it.
   */
  depth: 64,
  /** The number of a request: positive, and small enough for a 32-bit integer in any language. */
  id: 2 ** 31 - 1,
  /** Characters of a channel's name or of a pattern; `BAD_CHANNEL`. */
  channel: CHANNEL_LENGTH,
  /** Characters of a publication's key: a UUID has 36. */
  key: 64,
  /** Characters of a publication's event. */
  event: 64,
  /** Characters of a method's name. */
  method: 128,
  /** Methods that a client offers to answer. */
  offers: 100,
  /** Characters of a log's epoch. */
  epoch: 64,
  /** Characters of a token or ticket: the size of a request header that HTTP servers commonly allow. */
  token: 8_192,
  /** Characters of a login's user, and of its password. */
  login: 256,
  /** Publications that a subscriber can take at once, and entries that one `get` can ask for. */
  credit: 10_000,
} as const;
