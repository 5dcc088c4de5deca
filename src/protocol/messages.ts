/**
 * The vocabulary of `zocalo.1`. docs/protocol.md explains each message with an example. `Data` is the type of data: any
 * JSON value where a message is encoded, and its text where one was decoded.
 */

/** The WebSocket subprotocol (RFC 6455 §1.9) that a client requests. */
export const SUBPROTOCOL = 'zocalo.1';

/** A position in a channel's log: the log's identity, and the number of publications it has counted. */
export type Position = readonly [epoch: string, offset: number];

/** How a client logs in: a token, or a user and a password. `resume` is the ticket of an earlier connection. */
export interface Hello {
  token?: string;
  login?: readonly [user: string, password: string];
  resume?: string;
}

export interface Welcome {
  /** This connection's id. */
  connection: string;
  /** The user's id, if it is known. */
  user?: string;
  /** A token for the next `hi`, instead of the password. */
  token?: string;
  /** The ticket for `resume` after the connection was lost without a `bye`. */
  ticket?: string;
  /** Milliseconds until the connection ends with UNAUTHORIZED, unless a new token is sent. Absent: never. */
  expiresIn?: number;
  /** Whether `resume` was accepted. Subscriptions are never resumed: each is requested again, with its position. */
  resumed: boolean;
  /** Milliseconds between the server's pings: after twice that long without a line, the connection is dead. */
  ping: number;
  /**
   * The limits of this connection. A client that respects them is not refused for them. What is absent is unlimited, or
   * not disclosed.
   */
  limits?: WelcomeLimits;
}

/** The answer to `auth`. */
export interface Renewed {
  /** As in the welcome, for the new token. */
  expiresIn?: number;
}

export interface WelcomeLimits {
  /** Lines per second on average; twice that in a burst. */
  lines?: number;
  /** Bytes per second on average; eight times that in a burst. */
  bytes?: number;
  /** Subscriptions at the same time. */
  subscriptions?: number;
}

export interface SubscribeOptions<Data = unknown> {
  /** The last publication seen: what came after it is sent first. Default: start with the next publication. */
  at?: Position;
  /** Without `at`: first send this many of the newest publications. Default 0. */
  recent?: number;
  /** How many publications the client can take before it sends `more`. Default 256. */
  credit?: number;
  /** Send who is present, joins and leaves. Default false. */
  presence?: boolean;
  /** Join as a member, shown to others with this data. Default: not a member. */
  member?: Data;
}

/** Changes of a subscription that stays as it is. */
export interface ChangeOptions<Data = unknown> {
  /** Whether to send who is present, joins and leaves. Default: as before. */
  presence?: boolean;
  /** Become a member with this data, or change the member's data. Default: as before. */
  member?: Data;
  /** True: be a member no longer. */
  leave?: boolean;
}

export interface Subscribed<Members = Member[], Data = unknown> {
  /** The channel's number on this connection. Absent for a pattern, whose channels are introduced by `ch`. */
  ch?: number;
  epoch?: string;
  /** The next publication has the offset after this one. */
  offset?: number;
  /** Where it would have started without `at` and `recent`; absent where that is `offset`, or another log. */
  head?: number;
  /** If presence was requested; `members` is absent where the channel only counts. */
  members?: Members;
  count?: number;
  /** The first data for this subscriber, if the server has any. */
  data?: Data;
}

/** A user or connection that is present. `id` is unique in the channel. */
export interface Member<Data = unknown> {
  id: string;
  data?: Data;
}

export interface PublishOptions {
  /** Makes repeating safe: the same key with the same data is stored once. */
  key?: string;
  /** False excludes this connection from the delivery. Default true. */
  echo?: boolean;
  /** What kind of publication it is, 1 to 64 characters: subscribers see it, and may listen to one kind alone. */
  event?: string;
  /** False delivers it without storing it: subscribers that are not connected never see it. Default true. */
  keep?: boolean;
}

export interface Published {
  /** Its position in the log; absent for `keep: false`. */
  at?: Position;
}

export interface GetOptions {
  /** For history: what came after this position. Default: from the oldest. */
  at?: Position;
  /** For history: the most entries to return. Default 256. */
  limit?: number;
}

export interface History {
  epoch: string;
  /** The oldest offset still in the log; `head` + 1 when there is none. */
  oldest: number;
  head: number;
  /** Set when the publications right after `at` were deleted; `entries` then start with the oldest. */
  gap?: true;
  entries: (readonly [offset: number, data: unknown, meta?: Meta])[];
}

export interface Presence {
  count: number;
  members?: Member[];
}

/** Metadata of a publication. All members are optional. */
export interface Meta {
  /** The publisher's key, by which the publisher's own SDK recognises it. */
  key?: string;
  /** What kind of publication it is, as its publisher said: the option `event`. */
  event?: string;
  /** The user who published it. */
  user?: string;
  /** The time in milliseconds since 1970. */
  time?: number;
  /** Its data was erased, and is null. Together with `replaces`: another replacement or an erasure followed. */
  erased?: true;
  /** It has other data than when it was published. */
  replaced?: true;
  /** It tells that the publication with this offset was erased; its own data is null. */
  erases?: number;
  /** It tells that the publication with this offset was replaced, by its own data. */
  replaces?: number;
}

export interface Gap {
  /** The position that the client had. */
  have: Position;
  oldest: number;
  head: number;
  epoch: string;
}

export interface Bye {
  /** Reconnect after this many milliseconds; absent: do not reconnect automatically. */
  after?: number;
  ticket?: string;
  /** One of `REASONS`. */
  reason?: string;
}

export type Ping = readonly [];
export type Pong = readonly [1];

export type ClientMessage<Data = unknown> =
  | readonly ['hi', id: number, hello: Hello]
  | readonly ['sub', id: number, channel: string, options: SubscribeOptions<Data>]
  | readonly ['un', id: number, channel: string]
  | readonly ['set', id: number, channel: string, changes: ChangeOptions<Data>]
  | readonly ['pub', id: number, channel: string, data: Data, options: PublishOptions]
  | readonly ['call', id: number, method: string, data: Data]
  | readonly ['get', id: number, what: 'history' | 'presence', channel: string, options: GetOptions]
  | readonly ['auth', id: number, token: string]
  | readonly ['more', ch: number, count: number]
  | readonly ['follow', id: number]
  | readonly ['offer', id: number, methods: readonly string[]]
  | readonly ['ok', ask: number, result: Data]
  | readonly [
      'err',
      ask: number,
      code: string,
      message: string,
      retryAfter?: number | null,
      reason?: string | null,
      details?: unknown,
    ]
  | Ping
  | Pong;

export type ServerMessage<Data = unknown> =
  | readonly ['ok', id: number, result: Data]
  | readonly [
      'err',
      id: number,
      code: string,
      message: string,
      retryAfter?: number | null,
      reason?: string | null,
      details?: unknown,
    ]
  | readonly ['m', ch: number, offset: number, data: Data, meta?: Meta]
  | readonly ['skip', ch: number, offset: number]
  | readonly ['ch', ch: number, channel: string, epoch: string, offset: number]
  | readonly ['+', ch: number, member: Member<Data>]
  | readonly ['-', ch: number, id: string]
  | readonly ['n', ch: number, count: number]
  | readonly ['live', ch: number, offset: number]
  | readonly ['gap', ch: number, gap: Gap]
  | readonly ['end', channel: string, code: string, message?: string]
  | readonly ['bye', code: string, bye: Bye]
  | readonly ['to', data: Data]
  | readonly ['ask', ask: number, method: string, data: Data]
  | readonly ['over', ask: number]
  | readonly ['add', channel: string]
  | Ping
  | Pong;

export const PING: Ping = [];
export const PONG: Pong = [1];
