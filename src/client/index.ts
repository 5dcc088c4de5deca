export {
  browserTimers,
  type PlainSocket,
  pauseBefore,
  ReconnectingSocket,
  type ReconnectingSocketOptions,
  type SocketState,
  type Timers,
} from './reconnecting-socket.ts';
