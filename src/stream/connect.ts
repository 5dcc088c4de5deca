import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { nodeTls } from '../builtins.ts';
import { systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { type Address, formatAddress, type HostAddress, parseAddress } from './address.ts';
import { ByteSocket } from './byte-socket.ts';
import { DatagramSocket } from './datagram-socket.ts';
import { withDeadline } from './deadline.ts';
import { type Pem, type SocketOptions, tcpOptions } from './options.ts';
import type { StreamSocket } from './stream-socket.ts';

/**
 * In milliseconds. Enough for three attempts of the kernel (it resends a lost SYN after 1 and after 3 seconds, RFC
 * 6298), and short enough for a person to wait.
 */
const CONNECT_TIMEOUT = 10_000;

export interface ConnectOptions extends SocketOptions {
  /** Time limit for connecting, including TLS, in milliseconds. 0: no limit. Default 10,000. */
  timeout?: number;
  /** Cancels connecting; afterwards it ends the socket with ABORTED. */
  signal?: AbortSignal;
  /** For `tls:`, the authorities that may have signed the other side's certificate. Default: Node's own list. */
  ca?: Pem | Pem[];
  /** For `tls:`, our own certificate and its key, where the server asks for one. */
  cert?: Pem;
  key?: Pem;
  /** For `tls:`, the name that the certificate must be issued for. Default: the host of the address. */
  servername?: string;
  /** For `tls:`, false accepts any certificate, so that anybody in between can read everything. Default true. */
  rejectUnauthorized?: boolean;
}

/**
 * Connects to `tcp://host:port`, `tls://host:port`, `unix:///path` or `udp://host:port`. All addresses of a host name
 * are tried; a UDP socket is connected, so it receives only from that peer.
 *
 * @throws {ZocaloError} BAD_ADDRESS, UNKNOWN_SCHEME, UNKNOWN_HOST, CONNECTION_REFUSED, UNREACHABLE, TIMEOUT, ABORTED,
 *   NO_SUCH_PATH, PERMISSION_DENIED, CERTIFICATE_NOT_TRUSTED, BAD_CERTIFICATE, TLS_FAILED, TOO_MANY_OPEN_FILES.
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Promise<StreamSocket> {
  const { timeout = CONNECT_TIMEOUT, signal, clock = systemClock } = options;
  let address: Address;
  try {
    address = parseAddress(url);
    checkTarget(address);
  } catch (error) {
    return Promise.reject(error);
  }
  return withDeadline({ clock, timeout, signal, address: formatAddress(address) }, (until) =>
    address.scheme === 'udp' ? connectDatagram(address, options, until) : connectBytes(address, options, until),
  );
}

function checkTarget(address: Address): void {
  const name = formatAddress(address);
  if (address.scheme === 'ws' || address.scheme === 'wss') {
    throw new ZocaloError('UNKNOWN_SCHEME', `${name} is a WebSocket, not a stream`, {
      advice: 'open it with connectWebSocket, or use one of tcp, tls, udp, unix',
    });
  }
  if (address.scheme !== 'unix' && address.port === 0) {
    throw new ZocaloError('BAD_ADDRESS', `${name} has port 0, on which nobody can listen`, {
      advice: 'name the port that the server printed when it started',
    });
  }
}

async function connectBytes(address: Address, options: ConnectOptions, until: AbortSignal): Promise<StreamSocket> {
  until.throwIfAborted();
  const socket = open(address, options);
  socket.on('error', () => {}); // one may come between the event and the socket's new owner
  try {
    await once(socket, address.scheme === 'tls' ? 'secureConnect' : 'connect', { signal: until });
  } catch (error) {
    socket.destroy();
    if (address.scheme === 'tls' && !socket.connecting && (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      throw new ZocaloError('TLS_FAILED', `${formatAddress(address)} hung up in the TLS handshake`, { cause: error });
    }
    throw error;
  }
  return new ByteSocket(socket, address, options);
}

function open(address: Address, options: ConnectOptions): Socket {
  if (address.scheme === 'unix') return connectTcp({ path: address.path, allowHalfOpen: true });
  const { host, port } = address;
  const where = { host, port, ...tcpOptions(options) };
  if (address.scheme === 'tcp') return connectTcp(where);
  const { ca, cert, key, rejectUnauthorized = true, servername = isIP(host) ? '' : host } = options;
  return nodeTls().connect({ ...where, ca, cert, key, rejectUnauthorized, servername });
}

async function connectDatagram(address: HostAddress, options: ConnectOptions, until: AbortSignal) {
  until.throwIfAborted();
  // With UDP, no packet shows which address of a name is alive; a server on 127.0.0.1 alone is more common.
  const target = await lookup(address.host, { order: 'ipv4first' });
  until.throwIfAborted();
  const udp = createSocket(target.family === 6 ? 'udp6' : 'udp4');
  try {
    udp.connect(address.port, target.address);
    await once(udp, 'connect', { signal: until });
  } catch (error) {
    udp.close();
    throw error;
  }
  const local = udp.address();
  const socket = new DatagramSocket(
    { send: (bytes, callback) => udp.send(bytes, callback), close: () => udp.close() },
    {
      ...options,
      remoteAddress: formatAddress({ ...address, host: target.address }),
      localAddress: formatAddress({ ...address, host: local.address, port: local.port }),
    },
  );
  udp.on('message', (datagram) => socket.deliver(datagram));
  udp.on('error', (error) => socket.fail(error));
  return socket;
}
