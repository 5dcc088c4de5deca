import type { TcpNetConnectOpts } from 'node:net';
import type { Clock } from '../clock.ts';

/** Everything that a client's and a server's sockets have in common. Times are in milliseconds. */
export interface SocketOptions {
  /** Closes a socket with TIMEOUT on which nothing came or went for so long. Default 0: never. */
  idleTimeout?: number;
  /** Sends each write at once instead of gathering small ones. Default true: a realtime message must not wait. */
  noDelay?: boolean;
  /**
   * How long a TCP connection may be silent before the kernel asks whether the other side lives (it asks ten times,
   * a second apart). 0 never asks. Default 60,000: the common routers forget a silent connection after some minutes.
   */
  keepAlive?: number;
  clock?: Clock;
}

/** A certificate, a key or authorities, as PEM text; for `ca`, several may be given. */
export type Pem = string | Buffer;

/** What a TCP socket is opened with, on either side. A half-close is kept: who has ended may still be answered. */
export function tcpOptions({ noDelay = true, keepAlive = 60_000 }: SocketOptions) {
  return {
    allowHalfOpen: true,
    noDelay,
    keepAlive: keepAlive > 0,
    keepAliveInitialDelay: keepAlive,
  } satisfies Partial<TcpNetConnectOpts>;
}
