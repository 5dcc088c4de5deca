export interface HubLimits {
  /** Subscriptions of one connection. Over it: TOO_MANY_SUBSCRIPTIONS. Default 256. */
  readonly subscriptions?: number;
  /** Lines a second that one connection may send, on average; twice that at once. Over it: RATE_LIMITED, with the pause to make. Default 1,000. */
  readonly requests?: number;
  /** Bytes a second that one connection may send, on average; eight times that at once. Over it: RATE_LIMITED. Default 1 MiB. */
  readonly bytes?: number;
  /** Refused lines that one connection may send at once, and a tenth of them each second. Over it: closed with TOO_MANY_ERRORS. Default 20. */
  readonly errors?: number;
  /** Calls of one connection that may be running. Over it: RATE_LIMITED. Default 100. */
  readonly calls?: number;
  /**
   * Lines of one connection that may wait for an answer of `connect` or of a permission; over it: closed. So many may also
   * have been refused for the rate and be told to come later; over it each counts as an error. Default 2,000.
   */
  readonly waiting?: number;
  /** Bytes of memory that the members of one client address may take, in all channels together. Over it: TOO_LARGE. Default 16 MiB. */
  readonly members?: number;
  /** Different patterns that clients on this node may be subscribed to. Over it: UNAVAILABLE. Default 10,000. */
  readonly patterns?: number;
  /**
   * Channels that this node has open for patterns; the one that was least recently published to is let go of. Each costs
   * some 400 bytes for each of its readers. Default 10,000.
   */
  readonly patternChannels?: number;
}

export const LIMIT_DEFAULTS: Required<HubLimits> = {
  subscriptions: 256,
  requests: 1_000,
  bytes: 1_048_576,
  errors: 20,
  calls: 100,
  waiting: 2_000,
  members: 16_777_216,
  patterns: 10_000,
  patternChannels: 10_000,
};
