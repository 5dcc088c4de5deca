/** Sockets by URL: `tcp://`, `tls://`, `udp://`, `unix://`; client and server. */
export {
  type Address,
  formatAddress,
  type HostAddress,
  parseAddress,
  type UnixAddress,
  type WebSocketAddress,
} from './address.ts';
export { type BindOptions, type Bound, bindServers } from './bind.ts';
export { type ConnectOptions, connect } from './connect.ts';
export { DatagramSocket } from './datagram-socket.ts';
export { LineBuffer, lineText } from './line-buffer.ts';
export { type ListenOptions, listen } from './listen.ts';
export type { Pem, SocketOptions } from './options.ts';
export type { StreamIdentity, StreamServer } from './stream-server.ts';
export { type ReadOptions, StreamSocket } from './stream-socket.ts';
export { toZocaloError } from './system-errors.ts';
