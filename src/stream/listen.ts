import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { nodeTls } from '../builtins.ts';
import { LONGEST_TIMER, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { AcceptQueue } from './accept-queue.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { type BindOptions, bindServers } from './bind.ts';
import { ByteSocket } from './byte-socket.ts';
import { listenDatagrams } from './datagram-listener.ts';
import { abortedError } from './deadline.ts';
import { type Pem, type SocketOptions, tcpOptions } from './options.ts';
import { type Listener, StreamServer } from './stream-server.ts';
import type { StreamSocket } from './stream-socket.ts';
import { toZocaloError } from './system-errors.ts';

/** How many connections wait for `accept`: 1,024, a program's usual share of open files. */
const ACCEPT_LIMIT = 1024;

/** In milliseconds. A TLS handshake takes two round trips, so this is enough for the slowest networks. */
const HANDSHAKE_TIMEOUT = 10_000;

export interface ListenOptions extends SocketOptions, BindOptions {
  /** Cancels listening; afterwards it closes the server at once. */
  signal?: AbortSignal | undefined;
  /**
   * How many connections may wait for `accept`. Default 1,024. Node accepts every connection from the kernel at once,
   * so a connection that arrives when the queue is full is closed instead of kept waiting. No byte of a waiting one is
   * read.
   */
  acceptLimit?: number;
  /** For `tls:`, required: the server's certificate (with the intermediate ones), and its key. */
  cert?: Pem;
  key?: Pem;
  /** For `tls:`, requires a client certificate signed by one of these authorities. */
  ca?: Pem | Pem[];
  /** For `tls:`, time limit for the handshake in milliseconds. Default 10,000. */
  handshakeTimeout?: number;
  /**
   * For `udp:`, how many peers are remembered; datagrams of further peers are dropped. Default 1,024. Here
   * `idleTimeout` ends a peer without an error, and defaults to 120,000: a router keeps the mapping to a peer for at
   * least two minutes (RFC 4787 REQ-5); after that, a reply may not arrive.
   */
  peerLimit?: number;
}

/**
 * Listens on `tcp://host:port`, `tls://host:port`, `unix:///path` or `udp://host:port`; `localhost` means both
 * loopbacks, and port 0 any free port. Over UDP each remote peer is one socket.
 *
 * @throws {ZocaloError} BAD_ADDRESS, UNKNOWN_SCHEME, ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED,
 *   UNKNOWN_HOST, NO_SUCH_PATH, BAD_CERTIFICATE, ABORTED.
 */
export async function listen(url: string | URL, options: ListenOptions = {}): Promise<StreamServer> {
  const { acceptLimit = ACCEPT_LIMIT, clock = systemClock, signal } = options;
  const address = parseAddress(url);
  if (signal?.aborted) throw abortedError(signal, formatAddress(address));
  const queue = new AcceptQueue<StreamSocket>(acceptLimit);
  const offer = (socket: StreamSocket) => {
    if (!queue.offer(socket)) socket.destroy();
  };
  const listeners =
    address.scheme === 'udp'
      ? await listenDatagrams(address, options, offer)
      : await listenBytes(address, options, offer);
  const server = new StreamServer(listeners, queue, clock);
  signal?.addEventListener('abort', () => server.close({ grace: 0 }), { once: true });
  if (signal?.aborted) {
    await server.close({ grace: 0 });
    throw abortedError(signal, formatAddress(address));
  }
  return server;
}

async function listenBytes(
  address: Address,
  options: ListenOptions,
  offer: (socket: StreamSocket) => void,
): Promise<Listener[]> {
  const bound = await bindServers(
    () => {
      const open = new Set<Socket>();
      const server = createServer(address, options);
      const keep = (socket: Socket) => {
        open.add(socket.on('error', () => {}));
        socket.on('close', () => open.delete(socket));
      };
      const receive = (socket: Socket) => {
        socket.allowHalfOpen = true; // also over TLS, where it begins only after the handshake
        offer(new ByteSocket(socket, address, { ...options, signal: undefined }));
      };
      server.on('connection', keep);
      if (address.scheme === 'tls') server.on('secureConnection', keep);
      server.on(address.scheme === 'tls' ? 'secureConnection' : 'connection', receive);
      return Object.assign(server, { open });
    },
    address,
    options,
  );
  return bound.map(({ server, address }) => ({
    address,
    close: () => new Promise((resolve) => server.close(() => resolve())),
    cut: () => {
      for (const socket of server.open) socket.destroy();
    },
    renew: (identity) => {
      if ('setSecureContext' in server) (server as unknown as TlsServer).setSecureContext(identity);
    },
  }));
}

function createServer(address: Address, options: ListenOptions): Server {
  const name = formatAddress(address);
  if (address.scheme === 'ws' || address.scheme === 'wss') {
    throw new ZocaloError('UNKNOWN_SCHEME', `${name} is a WebSocket, not a stream`, {
      advice: 'serve it with WebSocketServer, or use one of tcp, tls, udp, unix',
    });
  }
  if (address.scheme !== 'tls') return createTcpServer(tcpOptions(options));
  const { cert, key, ca, handshakeTimeout = HANDSHAKE_TIMEOUT } = options;
  if (!cert || !key) throw new ZocaloError('BAD_CERTIFICATE', `${name} needs the options cert and key`);
  const asks = ca !== undefined;
  try {
    return nodeTls().createServer({
      ...tcpOptions(options),
      allowHalfOpen: false, // or who hangs up in the handshake would stay until its time is over
      cert,
      key,
      ca,
      requestCert: asks,
      rejectUnauthorized: asks,
      handshakeTimeout: Math.min(handshakeTimeout, LONGEST_TIMER), // Node's own timer
    });
  } catch (error) {
    throw toZocaloError(error, name);
  }
}
