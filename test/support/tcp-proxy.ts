import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

/** Between a program and a server that a test started: it cuts, stalls and loses what passes. */
export interface TcpProxy {
  readonly port: number;
  /** The port to which new connections lead. */
  to: number;
  /** Cuts all connections that stand. */
  cut(): void;
  /** Whether new connections are refused, by cutting them. */
  isClosed: boolean;
  /** What comes from the server on such connections is lost: undefined for no loss. */
  loses: ((connection: Passing, chunk: string) => boolean) | undefined;
  /** What comes from the server becomes this, of texts in one chunk. */
  rewrites: ((chunk: string) => string) | undefined;
}

/** A connection through the proxy. */
export interface Passing {
  /** What the client has sent. */
  readonly sent: string;
}

/** A proxy to a port of this machine, until the test is over. */
export async function startProxy(
  t: { after(end: () => unknown): void },
  to: number,
  host = '127.0.0.1',
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = net.createServer((client) => {
    if (proxy.isClosed) {
      client.destroy();
      return;
    }
    const upstream = net.connect(proxy.to, host);
    const passing = { sent: '' };
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      passing.sent += chunk.toString('latin1');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (proxy.loses?.(passing, chunk.toString('latin1'))) return;
      client.write(proxy.rewrites ? Buffer.from(proxy.rewrites(chunk.toString('latin1')), 'latin1') : chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    to,
    isClosed: false,
    loses: undefined,
    rewrites: undefined,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
  t.after(() => {
    proxy.cut();
    server.close();
  });
  return proxy;
}
