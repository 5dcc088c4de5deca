/**
 * The vocabulary of `zocalo.1`. docs/protocol.md explains each with an example. `Data` is what stands for data: whatever
 * JSON can say where a message is written, and its text where one was decoded.
 */

/** The WebSocket subprotocol (RFC 6455 §1.9) that a client asks for. */
export const SUBPROTOCOL = 'zocalo.1';

/** A place in a channel's log: the log's identity, and how many publications it has counted. */
export type Position = readonly [epoch: string, offset: number];

/** What a client offers on opening: a token, or a user and a password. `resume` is an earlier connection's ticket. */
export interface Hello {
  token?: string;
  login?: readonly [user: string, password: string];
  resume?: string;
}

export interface Welcome {
  /** This connection's id. */
  connection: string;
  /** The user's id, where there is one. */
  user?: string;
  /** For the next `hi`, in the place of the password. */
  token?: string;
  /** For `resume` after the connection was lost without a `bye`. */
  ticket?: string;
  /** Whether `resume` was accepted. Subscriptions are never resumed: each is asked for again, with its position. */
  resumed: boolean;
  /** Milliseconds between the server's pings: after twice that long without a line the connection is dead. */
  ping: number;
  /** What this connection may do: whoever keeps to it is not refused for it. What is absent is not limited, or not told. */
  limits?: WelcomeLimits;
}

export interface WelcomeLimits {
  /** Lines a second, on average; twice that at once. */
  lines?: number;
  /** Bytes a second, on average; eight times that at once. */
  bytes?: number;
  /** Subscriptions at the same time. */
  subscriptions?: number;
}

export interface SubscribeOptions<Data = unknown> {
  /** The last publication seen: what came after it is sent first. Default: begin with what comes next. */
  at?: Position;
  /** Without `at`: send this many of the newest publications first. Default 0. */
  recent?: number;
  /** How many publications the client can take before it says `more`. Default 256. */
  credit?: number;
  /** Send who is here, and who comes and goes. Default false. */
  presence?: boolean;
  /** Be a member, shown to others with this data. Default: not a member. */
  member?: Data;
}

export interface Subscribed {
  /** The channel's number on this connection. Absent for a pattern, whose channels are introduced by `ch`. */
  ch?: number;
  epoch?: string;
  /** The next publication has the offset after this one. */
  offset?: number;
  /** Where it was asked for; `members` is absent where the channel only counts. */
  members?: Member[];
  count?: number;
}

/** One user or connection that is here. `id` is unique in the channel. */
export interface Member<Data = unknown> {
  id: string;
  data?: Data;
}

export interface PublishOptions {
  /** Makes a repetition harmless: the same key with the same data is stored once. */
  key?: string;
  /** False leaves this connection out. Default true. */
  echo?: boolean;
  /** False passes it on without storing it: whoever is not there now never sees it. Default true. */
  keep?: boolean;
}

export interface Published {
  /** Where it is in the log; absent for `keep: false`. */
  at?: Position;
}

export interface GetOptions {
  /** For history: what came after this position. Default: from the oldest. */
  at?: Position;
  /** For history: at most so many. Default 256. */
  limit?: number;
}

export interface History {
  epoch: string;
  /** The oldest offset that is still in the log; `head` + 1 when there is none. */
  oldest: number;
  head: number;
  /** Set when what came directly after `at` is no longer there; `entries` then begin at the oldest. */
  gap?: true;
  entries: (readonly [offset: number, data: unknown, meta?: Meta])[];
}

export interface Presence {
  count: number;
  members?: Member[];
}

/** About a publication. All may be absent. */
export interface Meta {
  /** The publisher's key: so the publisher's own SDK knows it again. */
  key?: string;
  /** The user who published it. */
  user?: string;
  /** When, in milliseconds since 1970. */
  time?: number;
}

export interface Gap {
  /** The position that the client had. */
  have: Position;
  oldest: number;
  head: number;
  epoch: string;
}

export interface Bye {
  /** Come back after so many milliseconds; absent: do not come back by yourself. */
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
  | readonly ['pub', id: number, channel: string, data: Data, options: PublishOptions]
  | readonly ['call', id: number, method: string, data: Data]
  | readonly ['get', id: number, what: 'history' | 'presence', channel: string, options: GetOptions]
  | readonly ['auth', id: number, token: string]
  | readonly ['more', ch: number, count: number]
  | Ping
  | Pong;

export type ServerMessage<Data = unknown> =
  | readonly ['ok', id: number, result: Data]
  | readonly ['err', id: number, code: string, message: string, retryAfter?: number | null, reason?: string]
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
  | Ping
  | Pong;

export const PING: Ping = [];
export const PONG: Pong = [1];
