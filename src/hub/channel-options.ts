import type { Caller } from './caller.ts';

/**
 * Who may: everybody, nobody, or those for whom the function returns true. A ProtocolError that it throws is the
 * answer.
 */
export type Permission = boolean | ((who: Caller, channel: string) => boolean | Promise<boolean>);

/** What happens to a reader that is slower than the channel's publications. */
export type SlowPolicy =
  /** Nothing more is pushed; it gets the rest from the log at its own pace, then is live again. */
  | 'resume'
  /** What it missed is skipped (and announced) except for the newest publication, or the newest of each key. */
  | 'latest'
  /** What it missed is skipped, and announced. */
  | 'drop'
  /** The connection ends with TOO_SLOW. */
  | 'close';

export interface ChannelOptions {
  /**
   * How much of the log is kept: `size` publications (default 1,000) no older than `ttl` (milliseconds or '7d', the
   * default). False keeps nothing: then clients that were away miss what was published, and are told so.
   */
  readonly history?: { readonly size?: number; readonly ttl?: number | string } | false;
  /** Presence: `true` sends the members, `'count'` only their number. Default false. */
  readonly presence?: boolean | 'count';
  /** Who may subscribe, read the history and see the presence. Default true. */
  readonly subscribe?: Permission;
  /** Who may publish. Default true. */
  readonly publish?: Permission;
  /**
   * Whether clients may subscribe to many of these channels by one pattern: `subscribe` is called once, with the
   * pattern instead of the channel. Default false.
   */
  readonly patterns?: boolean;
  /** Publications per second of one connection in this channel; twice that in a burst. Default: no separate limit. */
  readonly rate?: number;
  /** Bytes of a publication's data as JSON. Over it: TOO_LARGE. Default 65,536: larger things belong in a file. */
  readonly maxData?: number;
  /**
   * Bytes of a member's data as JSON. Over it: TOO_LARGE. Default 2,048: every new subscriber is sent the data of all
   * members.
   */
  readonly maxMember?: number;
  /**
   * Characters of the member list, as JSON, above which only the number is sent, until half of them are gone. Default
   * 262,144.
   */
  readonly maxMembers?: number;
  /** Default 'resume'. */
  readonly slow?: SlowPolicy;
  /**
   * For `slow: 'latest'`: the path of the data's member whose value is the key, like 'sensor.id'. A slow reader gets
   * the newest publication of each key that the log has. Default: one key for all, so only the newest.
   */
  readonly latestBy?: string;
  /** How connections that only use text take part. Default: a text is a JSON string, other data is shown as JSON. */
  readonly text?: TextForm;
}

/** How a channel's data is shown to connections that only use text: a plain WebSocket, or `nc`. */
export interface TextForm {
  /**
   * The data to publish for a line of text; undefined publishes nothing. A ProtocolError that it throws is the answer.
   * Default: the line itself.
   */
  readonly in?: (line: string, who: Caller) => unknown;
  /** A publication as a line of text; undefined shows nothing. Default: a string as it is, else JSON. */
  readonly out?: (data: unknown, user: string | undefined) => string | undefined;
}
