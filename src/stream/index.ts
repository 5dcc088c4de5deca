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
export { toZocaloError } from './system-errors.ts';
