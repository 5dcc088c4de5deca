import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { formatAddress, type HostAddress } from './address.ts';
import { bindHosts } from './bind.ts';
import { DatagramSocket } from './datagram-socket.ts';
import type { SocketOptions } from './options.ts';
import type { Listener } from './stream-server.ts';

const PEER_LIMIT = 1024;

/** In milliseconds. See `ListenOptions.peerLimit`. */
const PEER_IDLE = 120_000;

/** One of our sockets for each remote address that sends something; removed after a long silence. */
export async function listenDatagrams(
  address: HostAddress,
  options: SocketOptions & { peerLimit?: number; signal?: AbortSignal | undefined },
  offer: (socket: DatagramSocket) => void,
): Promise<Listener[]> {
  const bound = await bindHosts(address, {
    open: async (host, port) => {
      const { family } = isIP(host) ? { family: isIP(host) } : await lookup(host);
      const udp = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 && host !== '::' });
      try {
        udp.bind(port, host);
        await once(udp, 'listening', options.signal && { signal: options.signal });
        return udp;
      } catch (error) {
        udp.close();
        throw error;
      }
    },
    portOf: (udp) => udp.address().port,
    close: (udp) => udp.close(),
  });
  return bound.map(({ server, address: name }) => listener(server, name, options, offer));
}

function listener(
  udp: Socket,
  address: string,
  options: SocketOptions & { peerLimit?: number },
  offer: (socket: DatagramSocket) => void,
): Listener {
  const { peerLimit = PEER_LIMIT, idleTimeout = PEER_IDLE, clock } = options;
  const peers = new Map<string, DatagramSocket>();
  let closing = false;
  const closed = once(udp, 'close');
  const closeWhenEmpty = () => {
    if (closing && peers.size === 0) udp.close();
  };
  udp.on('error', () => {}); // what concerns one peer is told to its socket
  const admit = (host: string, port: number): DatagramSocket => {
    const remoteAddress = formatAddress({ scheme: 'udp', host, port });
    const forget = () => {
      if (peers.get(remoteAddress) === peer) peers.delete(remoteAddress);
      closeWhenEmpty();
    };
    const peer: DatagramSocket = new DatagramSocket(
      { send: (bytes, callback) => udp.send(bytes, port, host, callback), close: forget },
      {
        remoteAddress,
        localAddress: address,
        idleTimeout,
        clock,
        // Its reader's loop ends; if the peer speaks again, that is a new socket.
        onIdle: () => {
          forget();
          peer.finish();
          peer.end();
        },
      },
    );
    peers.set(remoteAddress, peer);
    return peer;
  };
  udp.on('error', () => {}); // what concerns one peer is told to its socket
  udp.on('message', (datagram, { address: host, port }) => {
    const known = peers.get(formatAddress({ scheme: 'udp', host, port }));
    if (known) return known.deliver(datagram);
    if (closing || peers.size >= peerLimit) return;
    const peer = admit(host, port);
    peer.deliver(datagram);
    offer(peer);
  });
  return {
    address,
    close: async () => {
      closing = true;
      for (const peer of peers.values()) peer.finish();
      closeWhenEmpty();
      await closed;
    },
    cut: () => {
      for (const peer of peers.values()) peer.destroy();
    },
  };
}
