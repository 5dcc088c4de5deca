import type { TcpNetConnectOpts } from 'node:net';
import type { Clock } from '../clock.ts';

/** Options that client and server sockets have in common. Times are in milliseconds. */
export interface SocketOptions {
  /** Closes a socket with TIMEOUT after this long without data in either direction. Default 0: never. */
  idleTimeout?: number;
  /** Sends each write at once instead of collecting small ones. Default true: realtime messages must not wait. */
  noDelay?: boolean;
  /**
   * How long a TCP connection may be silent before the kernel sends keepalive probes (ten, a second apart). 0: none.
   * Default 60,000: common routers drop a silent connection after some minutes.
   */
  keepAlive?: number;
  clock?: Clock;
}

/** A certificate, a key or authorities, as PEM text; `ca` accepts several. */
export type Pem = string | Buffer;

/** Options for opening a TCP socket on either side. Half-close is allowed: one side may end and still receive. */
export function tcpOptions({ noDelay = true, keepAlive = 60_000 }: SocketOptions) {
  return {
    allowHalfOpen: true,
    noDelay,
    keepAlive: keepAlive > 0,
    keepAliveInitialDelay: keepAlive,
  } satisfies Partial<TcpNetConnectOpts>;
}
