import type { Caller } from './caller.ts';

/** Who may do it: everybody, nobody, or whom the function says. A ProtocolError that it throws is the answer. */
export type Permission = boolean | ((who: Caller, channel: string) => boolean | Promise<boolean>);

/** What becomes of a reader that is slower than the channel's publications. */
export type SlowPolicy =
  /** Nothing more is pushed to it; it gets the rest from the log at its own pace, and joins the others again. */
  | 'resume'
  /** What it missed is left out (it is told how far) but for the newest publication, or the newest of each key. */
  | 'latest'
  /** What it missed is left out; it is told how far. */
  | 'drop'
  /** The connection ends with TOO_SLOW. */
  | 'close';

export interface ChannelOptions {
  /**
   * How much of the log is kept: `size` publications (default 1,000) no older than `ttl` (milliseconds or '7d', the
   * default). False keeps nothing: then whoever was away has missed what was published, and is told so.
   */
  readonly history?: { readonly size?: number; readonly ttl?: number | string } | false;
  /** Who is here: `true` gives the members, `'count'` only their number. Default false. */
  readonly presence?: boolean | 'count';
  /** Who may subscribe, look at the history and see who is here. Default true. */
  readonly subscribe?: Permission;
  /** Who may publish. Default true. */
  readonly publish?: Permission;
  /**
   * Whether clients may subscribe to many of these channels by one pattern: `subscribe` is asked once, with the pattern
   * in the place of the channel. Default false.
   */
  readonly patterns?: boolean;
  /** Publications a second that one connection may make here; twice that at once. Default: no limit of its own. */
  readonly rate?: number;
  /** Bytes of a publication's data as JSON. Over it: TOO_LARGE. Default 65,536: larger things belong in a file. */
  readonly maxData?: number;
  /** Bytes of a member's data as JSON. Over it: TOO_LARGE. Default 2,048: everybody who comes is sent all of them. */
  readonly maxMember?: number;
  /**
   * Characters of the list of members, as JSON, beyond which only their number is told, until half of them are gone.
   * Default 262,144.
   */
  readonly maxMembers?: number;
  /** Default 'resume'. */
  readonly slow?: SlowPolicy;
  /**
   * For `slow: 'latest'`: the path of the member of the data whose value is the key, like 'sensor.id': a slow reader gets
   * the newest publication of each key, as far as the log has them. Default: there is one key, and one newest.
   */
  readonly latestBy?: string;
  /** How connections that know only text take part. Default: a text is a JSON string, other data is shown as JSON. */
  readonly text?: TextForm;
}

/** How a channel's data looks to connections that know only text: a plain WebSocket, or `nc`. */
export interface TextForm {
  /** What a line of theirs is published as; undefined: not at all. A ProtocolError that it throws is the answer. Default: the line itself. */
  readonly in?: (line: string, who: Caller) => unknown;
  /** A publication as a line; undefined when it is nothing to be shown. Default: a string as it is, else JSON. */
  readonly out?: (data: unknown, user: string | undefined) => string | undefined;
}
