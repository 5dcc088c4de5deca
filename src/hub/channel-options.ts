import type { JsonText, Position } from '../protocol/index.ts';
import type { Caller } from './caller.ts';

/**
 * Who may: everybody, nobody, or those for whom the function returns true. A ProtocolError that it throws is the
 * answer.
 */
export type Permission = boolean | ((who: Caller, channel: string) => boolean | Promise<boolean>);

/** What a client wants of a channel, or of the channels of a pattern. */
export interface SubscribeRequest {
  /** Only to subscribe takes the function's `data` and `member`; the other two look something up once. */
  readonly purpose: 'subscribe' | 'history' | 'presence';
  /** The data with which the client wants to be shown as a member; undefined if it does not. */
  readonly member: unknown;
  /** The same as JSON text. */
  readonly json: JsonText | undefined;
  /** The position from which the client continues, after a lost connection for example; undefined: it is new here. */
  readonly at: Position | undefined;
}

/** A subscription is accepted. Other members than these are an error. */
export interface SubscribeAnswer {
  /**
   * The first data for this subscriber: any JSON value, or a `JsonText`. Everything published since the function was
   * called follows it.
   */
  readonly data?: unknown;
  /**
   * The member's data, in place of what the client said, so that presence cannot be forged. Without effect if the client
   * does not want to be shown.
   */
  readonly member?: unknown;
}

/**
 * Decides about a subscription, and about looking up the history and the presence: true or a `SubscribeAnswer` accepts
 * it, false refuses (FORBIDDEN), and a ProtocolError that it throws is the answer. If it returns undefined or throws
 * something else, the client gets INTERNAL, and `onError` HOOK_FAILED.
 *
 * @example
 * const subscribe = async (who, channel) => ({ data: await orders.open(channel), member: { name: who.user } });
 * new Hub({ broker, channels: { 'orders:*': { subscribe } } });
 */
export type SubscribeHook = (
  who: Caller,
  channel: string,
  request: SubscribeRequest,
) => boolean | SubscribeAnswer | Promise<boolean | SubscribeAnswer>;

/** What a client wants to publish, besides the data. */
export interface PublishRequest {
  /** The data as the JSON text that is stored and passed on: numbers keep all their digits. */
  readonly json: JsonText;
  /** The client's key. A publication that is sent again, as after a lost connection, has the same one. */
  readonly key: string | undefined;
  /** What kind of publication the client says it is. */
  readonly event: string | undefined;
  /** False: it is delivered without being stored. */
  readonly keep: boolean;
}

/** Any JSON value: all but undefined. */
type Json = NonNullable<unknown> | null;

/**
 * Decides about a publication of a client. It returns true to publish the data as it is, false to refuse (FORBIDDEN),
 * and anything else to publish that in its place: a value, or a `JsonText`, which is how to publish a boolean. A
 * ProtocolError that it throws is the answer. If it returns undefined or throws something else, nothing is published:
 * the client gets INTERNAL, and `onError` HOOK_FAILED.
 *
 * `data` fits the contract, and must not be changed: return another object. What is returned has to fit it too. One
 * connection's publications are decided one after the other, in the order in which they came. A publication that is
 * sent again with its key is decided again, and stored once.
 *
 * @example
 * new Hub({ broker, channels: { 'chat:*': { publish: (who, channel, data) => ({ ...data, at: Date.now() }) } } });
 */
// biome-ignore lint/suspicious/noExplicitAny: without a contract, the data is whatever the client sends.
export type PublishHook<Data = any, Input = Json> = (
  who: Caller,
  channel: string,
  data: Data,
  request: PublishRequest,
) => boolean | Input | JsonText | Promise<boolean | Input | JsonText>;

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

// biome-ignore lint/suspicious/noExplicitAny: as in PublishHook.
export interface ChannelOptions<Data = any, Input = Json> {
  /**
   * How much of the log is kept: `size` publications (default 1,000) no older than `ttl` (milliseconds or '7d', the
   * default). False keeps nothing: then clients that were away miss what was published, and are told so.
   */
  readonly history?: { readonly size?: number; readonly ttl?: number | string } | false;
  /** Presence: `true` sends the members, `'count'` only their number. Default false. */
  readonly presence?: boolean | 'count';
  /** Who may subscribe, read the history and see the presence, and what they get: see `SubscribeHook`. Default true. */
  readonly subscribe?: boolean | SubscribeHook;
  /**
   * Who may publish, and what: see `PublishHook`. It does not apply to the program itself. Default true.
   */
  readonly publish?: boolean | PublishHook<Data, Input>;
  /**
   * Whether clients may subscribe to many of these channels by one pattern: `subscribe` is called once, with the
   * pattern instead of the channel. A pattern has no members. Default false.
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
