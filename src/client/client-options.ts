import type { Position } from '../protocol/index.ts';
import type { Bytes } from './bytes.ts';
import type { Network } from './liveness.ts';
import type { OutboxStore, Waiting } from './outbox.ts';
import type { SocketState, Timers } from './reconnecting-socket.ts';
import type { Login, NegotiatedSocket, Token } from './session-options.ts';

/** `connecting` until the server has accepted the login; `waiting` in the pause before the next attempt. */
export type ClientState = SocketState;

export interface ClientOptions {
  /**
   * A token, or a function called before each connection and when the server reports it expired. '' or null: no token.
   */
  token?: Token;
  /**
   * Called for a user and a password when there is no token from an earlier login; the password is not kept. Answer
   * quickly, since a server waits only some 10 seconds for `hi`: let the user type first, then open the client. A
   * refusal is final: the client closes with UNAUTHORIZED. Not called when the option `token` is given.
   */
  login?: () => Login | Promise<Login>;
  /** Default: the platform's own, which browsers, workers and Node have. */
  WebSocket?: new (
    url: string,
    subprotocol: string,
  ) => NegotiatedSocket;
  /** Default: the system's wall clock, whose jumps show that the machine slept. */
  clock?: Timers;
  /** Returns a number from 0 up to 1; default `Math.random`. */
  random?: () => number;
  /**
   * Storage for publications that are not acknowledged yet, so that they survive the page: `keptIn(localStorage)`.
   * The next client with the same address and storage sends them, so clear it when another user logs in. Default:
   * memory only.
   */
  storage?: OutboxStore;
  /** Publications that may wait for acknowledgement. Default 1,000: minutes of typing offline. */
  outbox?: number;
  /** Lets data be a `Uint8Array`, or have some in it: `bytes` of `zocalo-client/bytes`. Default: that is a TypeError. */
  bytes?: Bytes;
  /**
   * Called with each frame that is sent (`> ["pub",…]`) and received (`< ["ok",…]`): `console.debug`, for example. Tokens
   * and passwords are among them.
   */
  debug?: (line: string) => void;
  /** Emits `online`, `offline` and `pageshow`. Default: the window or worker; Node has none. */
  network?: Network;
}

export interface SubscribeOptions {
  /** The position of the last message seen: delivery starts after it. Default: start with the next message. */
  since?: Position | undefined;
  /** Without `since`: deliver this many of the newest messages first. Default 0. */
  recent?: number;
  /** Receive who is present, joins and leaves. Default false. */
  presence?: boolean;
  /** Join as a member, shown to others with this data. Default: not a member. */
  member?: unknown;
  /** Ends the subscription when it is aborted. */
  signal?: AbortSignal | undefined;
}

export interface ClientEvents {
  state: ClientState;
  /** `client.waiting` has changed: a publication waits, or does no longer. */
  waiting: readonly Waiting[];
  /** Data that the server sent to this user or connection, outside of any channel. */
  message: unknown;
  /**
   * Errors that no promise or subscription carries: a token that could not be fetched, a restored publication, the end
   * by the server.
   */
  error: Error;
}
