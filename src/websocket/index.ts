/** WebSockets (RFC 6455, RFC 7692): server and client. */
export type { QueueVerdict } from './backpressure.ts';
export { type ClientOptions, connectWebSocket } from './connect.ts';
export type { Message } from './connection.ts';
export { CLOSE, mayBeSent, shortReason } from './core/close-codes.ts';
export type { Payload } from './core/frame-writer.ts';
export type { UpgradeAnswer } from './handshakes.ts';
export { Hosts, hostAdvice, normalHostName } from './hosts.ts';
export type { CloseEvent } from './inbox.ts';
export {
  COMPRESSION_DEFAULTS,
  CONNECTION_DEFAULTS,
  type CompressionOptions,
  type ConnectionOptions,
} from './limits.ts';
export { normalOrigin, Origins, originAdvice } from './origins.ts';
export type { Peer } from './peer.ts';
export { WebSocketServer } from './server.ts';
export { type Attachment, SERVER_DEFAULTS, type ServerOptions, type TlsIdentity } from './server-options.ts';
export { UpgradeRequest } from './upgrade-request.ts';
export type { User } from './user.ts';
export { WebSocketClient } from './websocket-client.ts';
