export interface HubLimits {
  /** Subscriptions of one connection. Over it: TOO_MANY_SUBSCRIPTIONS. Default 256. */
  readonly subscriptions?: number;
  /**
   * Lines per second of one connection, on average; twice that in a burst. Over it: RATE_LIMITED, with the pause to
   * make. Default 1,000.
   */
  readonly requests?: number;
  /**
   * Bytes per second of one connection, on average; eight times that in a burst. Over it: RATE_LIMITED. Default 1 MiB.
   */
  readonly bytes?: number;
  /**
   * Refused lines of one connection in a burst, and a tenth of that per second. Over it: closed with TOO_MANY_ERRORS.
   * Default 20.
   */
  readonly errors?: number;
  /** Calls of one connection running at a time. Over it: RATE_LIMITED. Default 100. */
  readonly calls?: number;
  /**
   * Lines of one connection that may wait for `connect` or a permission; over it: closed. Also the number of lines that
   * may be refused for the rate and not be due yet; over it each counts as an error. Default 2,000.
   */
  readonly waiting?: number;
  /**
   * Bytes of memory for the members of one client address, in all channels together. Over it: TOO_LARGE. Default 16
   * MiB.
   */
  readonly members?: number;
  /** Different patterns that clients on this node may use. Over it: UNAVAILABLE. Default 10,000. */
  readonly patterns?: number;
  /**
   * Channels that this node keeps open for patterns; beyond that the least recently published one is closed. Each costs
   * some 400 bytes per reader. Default 10,000.
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
