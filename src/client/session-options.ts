import type { ServerMessage } from '../protocol/index.ts';
import type { Bytes } from './bytes.ts';
import type { Network } from './liveness.ts';
import type { PlainSocket, SocketState, Timers } from './reconnecting-socket.ts';

/** A WebSocket that reports the subprotocol the server chose, as all implementations do. */
export interface NegotiatedSocket extends PlainSocket {
  readonly protocol: string;
}

type Maybe<T> = T | null | undefined;

/** A token, or a function that returns one. '' or null: connect without one. */
export type Token = string | (() => Maybe<string> | Promise<Maybe<string>>);

/** A user and a password, as typed. Requested only when there is no token from an earlier login. */
export interface Login {
  user: string;
  password: string;
}

/** How the client logs in. */
export interface CredentialOptions {
  token?: Maybe<Token>;
  login?: (() => Login | Promise<Login>) | undefined;
}

export interface SessionOptions extends CredentialOptions {
  url: string;
  WebSocket: new (url: string, subprotocol: string) => NegotiatedSocket;
  clock: Timers;
  random: () => number;
  network?: Network | undefined;
  bytes: Bytes;
  debug?: ((line: string) => void) | undefined;
}

export interface SessionListener {
  /** `open` means logged in. Why it is `waiting` or `closed` says the session, unless we closed it ourselves. */
  onState(state: SocketState): void;
  /** All messages that the session does not handle itself. */
  onMessage(message: ServerMessage): void;
  /** An error that belongs to no request. */
  onError(error: Error): void;
}
