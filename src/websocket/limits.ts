import type { QueueVerdict } from './backpressure.ts';
import { checkOptions } from './option-checks.ts';

export interface CompressionOptions {
  /** Bytes of UTF-8 or binary below which a message is not compressed. Default 1024: smaller ones hardly shrink. */
  readonly threshold?: number;
  /**
   * Whether messages to one connection may refer to earlier ones. Default false: each message is compressed alone, so a
   * broadcast is compressed once for everybody and an idle connection keeps no window. With true, each connection keeps
   * up to two windows of 32 KiB.
   */
  readonly contextTakeover?: boolean;
  /** zlib's level, 1–9. Default 6, zlib's own: on 3 KiB of JSON level 1 saves hardly any time and is an eighth larger. */
  readonly level?: number;
  /** log2 of the window size in bytes for what this side sends, 9–15. Default 15. */
  readonly windowBits?: number;
}

export interface ConnectionOptions {
  /** Bytes of the largest message accepted, before and after inflating. Over it: 1009. Default 16 MiB. */
  readonly maxMessage?: number;
  /** Bytes of the largest single frame accepted. Over it: 1009. Default: as `maxMessage`. */
  readonly maxFrame?: number;
  /** Frames that one message may consist of. Over it: 1008. Default 262,144: 16 MiB in pieces of 64 bytes. */
  readonly maxFragments?: number;
  /** Pings and pongs accepted per second. Over it: 1008. Default 1,000: a normal peer sends a few a minute. */
  readonly maxControlFrames?: number;
  /** Bytes queued above which `send` returns false. Default 64 KiB, Node's own high-water mark for a socket. */
  readonly highWaterMark?: number;
  /**
   * Bytes queued (frame overhead included) above which `queuePolicy` applies to a further message; the message that
   * crosses the limit is still queued. Default 16 MiB, the largest message: a burst to a healthy reader on a slow line
   * may be several MiB, since the system takes only what the TCP window holds. A hundred peers that stopped reading
   * then cost at most 1.6 GiB; set it lower on a server for many strangers.
   */
  readonly queueLimit?: number;
  /** What happens then, unless the server's `onQueueFull` decides. Default 'close'. */
  readonly queuePolicy?: QueueVerdict;
  /** Milliseconds of silence after which a ping asks whether the peer lives. 0: never. Default 30,000: half of the
   * 60 seconds after which nginx and most proxies cut a silent connection. */
  readonly pingInterval?: number;
  /** Milliseconds that a silent peer has to answer the ping. Over it: the connection ends with 1006. Default 15,000. */
  readonly pongTimeout?: number;
  /** Milliseconds without any message from the peer after which it is closed with 1000. 0: never. Default 0. */
  readonly idleTimeout?: number;
  /**
   * Milliseconds that the peer has to answer a close frame and to close the socket, counted from when the frame was
   * sent; a peer that still reads what was sent before gets the same time again after each read. Over it: cut off with
   * 1006. Default 30,000, as in `ws`. A peer that broke a rule has at most 5,000.
   */
  readonly closeTimeout?: number;
  /** permessage-deflate. Default true: used when the peer offers it and the message is above the threshold. */
  readonly compression?: boolean | CompressionOptions;
}

export const CONNECTION_DEFAULTS = {
  maxMessage: 16 * 1024 * 1024,
  maxFragments: 262_144,
  maxControlFrames: 1_000,
  highWaterMark: 64 * 1024,
  queueLimit: 16 * 1024 * 1024,
  queuePolicy: 'close',
  pingInterval: 30_000,
  pongTimeout: 15_000,
  idleTimeout: 0,
  closeTimeout: 30_000,
} as const satisfies ConnectionOptions;

export const COMPRESSION_DEFAULTS = {
  threshold: 1024,
  contextTakeover: false,
  level: 6,
  windowBits: 15,
} as const satisfies CompressionOptions;

/** The options with all defaults filled in, as the engine reads them. */
export interface ConnectionLimits extends Required<Omit<ConnectionOptions, 'compression'>> {
  readonly compression: Required<CompressionOptions> | null;
}

/** @throws ZocaloError BAD_OPTION for an invalid `compression`; the other options are checked in option-checks.ts. */
export function connectionLimits(options: ConnectionOptions): ConnectionLimits {
  const { compression = true, ...rest } = options;
  if (typeof compression === 'object') checkOptions(compression);
  const limits = { ...CONNECTION_DEFAULTS, maxFrame: options.maxMessage ?? CONNECTION_DEFAULTS.maxMessage, ...rest };
  return {
    ...limits,
    compression:
      compression === false ? null : { ...COMPRESSION_DEFAULTS, ...(compression === true ? {} : compression) },
  };
}
