import type { ServerMessage } from '../protocol/index.ts';
import type { Credentials } from './credentials.ts';
import type { Network } from './liveness.ts';
import type { PlainSocket, SocketState, Timers } from './reconnecting-socket.ts';

/** A WebSocket that reports the subprotocol the server chose, as all implementations do. */
export interface NegotiatedSocket extends PlainSocket {
  readonly protocol: string;
}

export interface SessionOptions extends Credentials {
  url: string;
  WebSocket: new (url: string, subprotocol: string) => NegotiatedSocket;
  clock: Timers;
  random: () => number;
  network?: Network | undefined;
}

export interface SessionListener {
  /** `open` means logged in; `why` comes with `closed` unless we closed it ourselves. */
  onState(state: SocketState, why: Error | undefined): void;
  /** All messages that the session does not handle itself. */
  onMessage(message: ServerMessage): void;
  /** An error that belongs to no request. */
  onError(error: Error): void;
}
