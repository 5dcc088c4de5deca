import type { Broker, Keep } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import type { ZocaloError } from '../errors.ts';
import type { Contract } from '../protocol/index.ts';
import type { Action, Rights } from './rights.ts';

/** Who asks: one connection. */
export interface Caller {
  /** The connection's id, unlike every other's. */
  readonly id: string;
  /** The user's id, as the option `connect` answered it; undefined for somebody unknown. */
  readonly user: string | undefined;
  /** What else `connect` answered about them. */
  readonly data: unknown;
  /** What the floor of sockets knows: for WebSockets, the handshake's request. */
  readonly request: unknown;
  /** Whether their rights allow it; true where they have no rights of their own, and the channel's options decide. */
  may(action: Action, channel: string): boolean;
  /** Whether they have rights that name it: for channels that are not for everybody who comes in. */
  isGranted(action: Action, channel: string): boolean;
}

/** What is known about a connection before it says who it is. */
export interface Visitor {
  /** The token of `hi` or `auth`; undefined when there is none. */
  readonly token: string | undefined;
  /** The user and the password of `hi`, at most 256 characters each, neither of them checked. */
  readonly login?: { readonly user: string; readonly password: string };
  /** What the floor of sockets knows: for WebSockets, the handshake's request. */
  readonly request: unknown;
}

export interface Identity {
  /** A stable id, the same on all connections of this user. */
  readonly user?: string;
  readonly data?: unknown;
  /** A token that the welcome brings: the client shows it the next time, in the place of a password. */
  readonly token?: string;
  /** Milliseconds until the connection ends with UNAUTHORIZED, unless a new token comes. Default: never. */
  readonly expiresIn?: number;
  /** What this identity may do at most. Default: whatever the channels' options let it do. */
  readonly rights?: Rights;
  /**
   * For the server's own tools, such as an admin page: the connection has a user, who can be found and ended by their id,
   * but counts as none. `hub.users` and the observers' `onOnline` and `onOffline` leave it out. Default false.
   */
  readonly isInternal?: boolean;
}

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

/** A channel's options with every default filled in. */
export interface Rules extends Required<Omit<ChannelOptions, 'history' | 'rate' | 'latestBy' | 'text'>> {
  /** The name or pattern under which they were given. */
  readonly entry: string;
  readonly keep: Keep;
  readonly rate: number | undefined;
  readonly latestBy: string | undefined;
  readonly text: TextForm;
}

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

/**
 * Is shown a text as it comes from a client (`in`), goes to one (`out`), or to all who hear a topic (`all`, then `who` is
 * undefined): to find out what two programs say to each other. Tokens and passwords are in it.
 */
export type Trace = (direction: 'in' | 'out' | 'all', text: string, who: Caller | undefined) => void;

export interface HubOptions<C extends Contract = Contract> {
  /** Where the logs live. The hub opens it, and closes it. */
  readonly broker: Broker;
  /** Is shown everything that is said. Default: nobody is. */
  readonly trace?: Trace | undefined;
  /**
   * Options by channel name or pattern; the most specific one counts, whole. A client may use no channel that matches
   * none of them; the program itself may (`hub.offers` tells). Default: `{ '*': {} }`.
   */
  readonly channels?: Readonly<Record<string, ChannelOptions>>;
  /**
   * Schemas of what is published, and of what methods get and answer. What does not fit is BAD_DATA; what is stored is
   * what the schema answered. The most specific name or pattern counts. Default: anything fits.
   */
  readonly contract?: C;
  /**
   * Says who a visitor is; null, or a ProtocolError thrown, turns them away. Called for each `hi`, and for each
   * renewed token, which must be of the same user. Default: everybody may come in, unknown.
   */
  readonly connect?: (visitor: Visitor) => Identity | null | Promise<Identity | null>;
  readonly limits?: HubLimits;
  /** Milliseconds for which a member who went away is still shown as here, so that a reconnect is no news. Default 5,000. */
  readonly linger?: number;
  /** Milliseconds within which a connection must say `hi`. Default 10,000. */
  readonly hiTimeout?: number;
  /** Milliseconds between the hub's pings. Default 25,000: under the 30 seconds after which some proxies cut a line. */
  readonly pingInterval?: number;
  /** Is told what failed on the server's side: a handler, a hook, the log. Default: written to standard error. */
  readonly onError?: (error: ZocaloError) => void;
  readonly clock?: Clock;
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
