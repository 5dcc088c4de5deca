import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type ListenOptions, type Server } from 'node:net';
import { dirname } from 'node:path';
import { ZocaloError } from '../errors.ts';
import { type Address, formatAddress, type HostAddress, type UnixAddress, type WebSocketAddress } from './address.ts';
import { toZocaloError } from './system-errors.ts';

export interface BindOptions {
  /** How many connections the kernel queues until they are accepted. Default 511, Node's own. */
  backlog?: number | undefined;
  /** Cancels the binding; it has no effect afterwards. */
  signal?: AbortSignal | undefined;
}

export interface Bound<S = Server> {
  server: S;
  /** With the actual port: `tcp://127.0.0.1:1337`. */
  address: string;
}

/** Both, because a browser or library that tries only the other one would report the server as down. */
const LOOPBACKS = ['127.0.0.1', '::1'];

/** How often port 0 is tried again when the port that is free on one loopback is taken on the other. */
const ATTEMPTS = 20;

/**
 * Opens as many listening servers as the address needs: one; for `localhost` two, on 127.0.0.1 and ::1 (except those
 * that the machine lacks), both on the same port, which the system picks for port 0. After a failure, nothing stays
 * open.
 *
 * A socket file that no process answers on is replaced. A later 'error' of a server (no file descriptor left to accept
 * with, for example) does not end the process.
 *
 * @param create creates a `net.Server` or a subclass: `tls.Server`, `http.Server`, `https.Server`.
 * @throws {ZocaloError} ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED, UNKNOWN_HOST, NO_SUCH_PATH, ABORTED.
 */
export function bindServers<S extends Server>(
  create: () => S,
  address: Address,
  options: BindOptions = {},
): Promise<Bound<S>[]> {
  const { backlog = 511, signal } = options;
  const listen = async (where: ListenOptions): Promise<S> => {
    signal?.throwIfAborted();
    const server = create();
    server.listen({ ...where, backlog });
    try {
      await once(server, 'listening', signal && { signal });
      return server;
    } catch (error) {
      server.on('listening', () => server.close()); // a name that is still being looked up cannot be called off
      server.close();
      throw error;
    } finally {
      server.on('error', () => {});
    }
  };
  if (address.scheme === 'unix') return bindUnix(() => listen({ path: address.path }), address);
  return bindHosts(address, {
    open: (host, port) => listen({ host, port }),
    portOf: (server) => (server.address() as { port: number }).port,
    close: (server) => server.close(),
  });
}

/** Binds one kind of socket to a host and a port: a TCP server, a UDP socket. */
export interface Binder<S> {
  open(host: string, port: number): Promise<S>;
  portOf(opened: S): number;
  close(opened: S): void;
}

/** Binds `localhost` on both loopbacks with one port; any other host once. */
export async function bindHosts<S>(address: HostAddress | WebSocketAddress, binder: Binder<S>): Promise<Bound<S>[]> {
  const hosts = address.host === 'localhost' ? LOOPBACKS : [address.host];
  for (let attempt = 1; ; attempt++) {
    const bound: Bound<S>[] = [];
    let at = address;
    let absence: unknown;
    try {
      for (const host of hosts) {
        at = { ...at, host };
        try {
          const server = await binder.open(host, at.port);
          at = { ...at, port: binder.portOf(server) };
          bound.push({ server, address: formatAddress(at) });
        } catch (error) {
          if (hosts.length === 1 || !isOneOf(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) throw error;
          absence = error;
        }
      }
      if (bound.length === 0) throw absence;
      return bound;
    } catch (error) {
      for (const { server } of bound) binder.close(server);
      const unlucky = address.port === 0 && bound.length > 0 && isOneOf(error, 'EADDRINUSE');
      if (!unlucky || attempt === ATTEMPTS) throw toZocaloError(error, formatAddress(at));
    }
  }
}

async function bindUnix<S>(listen: () => Promise<S>, address: UnixAddress): Promise<Bound<S>[]> {
  const name = formatAddress(address);
  const { path } = address;
  try {
    try {
      return [{ server: await listen(), address: name }];
    } catch (error) {
      if (!isOneOf(error, 'EADDRINUSE') || (await isAlive(path))) throw error;
    }
    if (!(await lstat(path)).isSocket()) {
      throw new ZocaloError('ADDRESS_IN_USE', `${name} is a file, not a socket`, { advice: 'choose another path' });
    }
    await unlink(path);
    return [{ server: await listen(), address: name }];
  } catch (error) {
    // libuv says EACCES for a directory that is not there, as Windows would
    if (isOneOf(error, 'EACCES') && !existsSync(dirname(path))) {
      throw new ZocaloError('NO_SUCH_PATH', `the directory of ${name} does not exist`, { advice: 'create it first' });
    }
    throw toZocaloError(error, name);
  }
}

/** Whether a process answers there. A killed server leaves its file behind, and connecting to that is refused. */
async function isAlive(path: string): Promise<boolean> {
  const probe = connect({ path });
  try {
    await once(probe, 'connect');
    return true;
  } catch (error) {
    return !isOneOf(error, 'ECONNREFUSED', 'ENOENT');
  } finally {
    probe.destroy();
  }
}

function isOneOf(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}
