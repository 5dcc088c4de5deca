import type { Code } from '../protocol/index.ts';
import type { Action, Rights } from './rights.ts';
import type { VisitorRequest } from './visitor-request.ts';

/** The client behind a request: one connection. */
export interface Caller {
  /** The connection's id, unique. */
  readonly id: string;
  /** The user's id, as returned by the option `connect`; undefined for an anonymous client. */
  readonly user: string | undefined;
  /** The other data that `connect` returned. */
  readonly data: unknown;
  /** The client's IP address, if the transport has one. */
  readonly remoteAddress: string | undefined;
  /** The HTTP request with which it connected, with headers and cookies; undefined for a connection without one. */
  readonly request: VisitorRequest | undefined;
  /** Whether their rights allow it; true if they have no rights of their own, and the channel's options decide. */
  may(action: Action, channel: string): boolean;
  /** Whether they have rights that name it: for channels that not everybody may use. */
  isGranted(action: Action, channel: string): boolean;
}

/** What is known about a connection before it is identified. */
export interface Visitor {
  /** The token of `hi` or `auth`; undefined if there is none. */
  readonly token: string | undefined;
  /** The user and the password of `hi`, at most 256 characters each, both unchecked. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The HTTP request with which it connected, with headers and cookies; undefined for a connection without one. */
  readonly request: VisitorRequest | undefined;
}

export interface Identity {
  /** A stable id, the same on all connections of this user. */
  readonly user?: string;
  readonly data?: unknown;
  /** A token for the welcome: the client sends it the next time, instead of a password. */
  readonly token?: string;
  /** Milliseconds until the connection ends with UNAUTHORIZED, unless a new token is sent. Default: never. */
  readonly expiresIn?: number;
  /**
   * Channels that each connection gets without asking, if its client follows the server: see `User.subscribe`. Their
   * options and the rights apply as for those that the client asks for. Default: none.
   */
  readonly channels?: readonly string[];
  /** The most that this identity may do. Default: whatever the channels' options allow. */
  readonly rights?: Rights;
  /**
   * For the server's own tools, such as an admin page: the connection has a user, who can be found and ended by id, but
   * does not count as one. `hub.users` and the observers' `onOnline` and `onOffline` leave it out. Default false.
   */
  readonly isInternal?: boolean;
}

/** One accepted connection, whether it speaks the protocol or only text. */
export interface UserConnection extends Caller {
  /** What it speaks: `zocalo.1`, or only text. */
  readonly kind: 'protocol' | 'text';
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The channels that it is subscribed to. */
  readonly channels: readonly string[];
  /** Sends data outside of any channel. */
  send(data: unknown): void;
  /** Has the client subscribe to a channel, if it follows the server. False for one that only uses text. */
  subscribe(channel: string): boolean;
  /** Removes a subscription; the client is told the code. False if there was none. */
  unsubscribe(channel: string, code?: Code, message?: string): boolean;
  /** Ends it. The client does not reconnect automatically. */
  disconnect(message?: string): void;
  /** Whether it belongs to one of the server's own tools, whose user does not count. */
  readonly isInternal: boolean;
  /** Ends it, with a reason for the client. */
  end(code: Code, message?: string): void;
}
