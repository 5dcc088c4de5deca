import type { Code } from '../protocol/index.ts';
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

/** One connection of somebody who was let in, whether it speaks the protocol or knows only text. */
export interface UserConnection extends Caller {
  /** What it speaks: `zocalo.1`, or only text. */
  readonly kind: 'protocol' | 'text';
  /** The client's IP address, where the floor of sockets knows one. */
  readonly remoteAddress: string | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The channels that it is subscribed to. */
  readonly channels: readonly string[];
  /** Sends data outside of any channel. */
  send(data: unknown): void;
  /** Takes a channel away; the client is told the code. False when it was not subscribed. */
  unsubscribe(channel: string, code?: Code, message?: string): boolean;
  /** Ends it. It does not come back by itself. */
  disconnect(message?: string): void;
  /** It is one of the server's own tools, whose user counts as none. */
  readonly isInternal: boolean;
  /** Ends it, with a reason that the client is told. */
  end(code: Code, message?: string): void;
}
