import type { ServerMessage } from '../protocol/index.ts';
import type { Credentials } from './credentials.ts';
import type { Network } from './liveness.ts';
import type { PlainSocket, SocketState, Timers } from './reconnecting-socket.ts';

/** A WebSocket that tells which subprotocol the server chose, as they all do. */
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
  /** `open` means welcomed; `why` comes with `closed` when it was not we who ended it. */
  onState(state: SocketState, why: Error | undefined): void;
  /** Everything that is not the session's own business. */
  onMessage(message: ServerMessage): void;
  /** Something failed that was nobody's request. */
  onError(error: Error): void;
}
