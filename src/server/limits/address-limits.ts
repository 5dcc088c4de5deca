import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../clock.ts';
import { TokenBucket } from '../../hub/index.ts';
import { neighbourhood, normalAddress } from '../http/index.ts';

export interface AddressLimitOptions {
  /** Connections of one client address. */
  readonly connectionsPerAddress: number;
  /** WebSockets at a time, of all addresses; a thousand sockets more are for pages, the API and checks. Default: no limit. */
  readonly connections?: number;
  /** New WebSockets, streams and raw connections a second of one client address; four times that at once. */
  readonly connectsPerSecond: number;
  /** Whether an address is a proxy's, which has no limits: it speaks for others. Default: none is. */
  readonly isProxy?: (address: string) => boolean;
  readonly clock?: Clock;
}

/** Why an address gets no further connection now. */
export interface Breach {
  readonly reason: 'address_connections' | 'address_rate';
  /** Seconds after which it may try again. */
  readonly retryAfter: number;
}

/** What closes once. */
interface Closing {
  once(event: 'close', listener: () => void): unknown;
}

/** Addresses whose pace is remembered, some 200 bytes each; of more, those that came longest ago are forgotten. */
const REMEMBERED = 10_000;
/** Seconds until somebody comes back whose address has too many connections. */
const CROWDED = 30;
const BURST_SECONDS = 4;
/** Sockets over the limit of an address that are still read from, to be told why they are refused: the next are cut off. */
const TOLD = 64;

/** Sockets beyond the limit of all WebSockets. */
const SPARE = 1_000;

/** The connections of one address. */
class Address {
  /** All that are open, those that were refused among them. */
  sockets = 0;
  refused = 0;
  /** Kept HTTP connections with no request under way, the longest idle first. */
  readonly idle = new Set<Socket>();
}

/** A socket on which requests come. */
interface Visit {
  readonly address: Address;
  /** Whether one of its requests was accepted: then all are. */
  isIn: boolean;
  isRefused: boolean;
  /** Requests under way. */
  requests: number;
}

/**
 * How much one client address may ask for, where an IPv6 network of /64 counts as one address. Each accepted socket
 * counts until it is closed, whatever it says or does not say. A proxy's sockets do not: there, the WebSockets and
 * streams of each client that it names count. What comes from a Unix socket has no address, and no limits.
 */
export class AddressLimits {
  readonly #options: AddressLimitOptions;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Address>();
  readonly #pace = new Map<string, TokenBucket>();
  /** Of all addresses, the longest idle first. */
  readonly #idle = new Set<Socket>();
  #sockets = 0;
  /** Null for a socket without limits. */
  readonly #visits = new WeakMap<Socket, Visit | null>();

  constructor(options: AddressLimitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** How many connections of the address are open. */
  connectionsOf(address: string): number {
    return this.#addresses.get(neighbourhood(address))?.sockets ?? 0;
  }

  /** Whether all addresses together have as many sockets as may be. */
  get isFull(): boolean {
    const { connections = Number.POSITIVE_INFINITY } = this.#options;
    return this.#sockets >= connections + SPARE;
  }

  /**
   * Counts a socket that was just accepted. False: it is to be cut off without a word. One over the limit takes the
   * place of an idle HTTP connection of the same address, if there is one; else its first request is refused. One too
   * many for all addresses takes the place of any idle one.
   */
  accept(socket: Socket): boolean {
    const key = this.#keyOf(peerOf(socket));
    if (key === undefined) return true;
    const address = this.#addresses.get(key);
    const { connectionsPerAddress } = this.#options;
    if (address && address.sockets >= connectionsPerAddress) {
      if (!takePlace(address.idle) && address.sockets >= connectionsPerAddress + TOLD) return false;
    } else if (this.isFull && !takePlace(this.#idle)) return false;
    this.#enter(key, socket);
    this.#sockets++;
    socket.once('close', () => this.#sockets--);
    return true;
  }

  /** Looks at a request, a handshake or one with a response, by the socket that it came on. */
  admit({ socket }: IncomingMessage, response?: ServerResponse): Breach | undefined {
    const known = this.#visits.get(socket);
    const visit = known === undefined ? this.#visit(socket) : known;
    if (!visit) return undefined;
    if (!visit.isIn && !this.#letIn(visit)) return { reason: 'address_connections', retryAfter: CROWDED };
    const idle = [visit.address.idle, this.#idle];
    visit.requests++;
    for (const sockets of idle) sockets.delete(socket);
    response?.once('close', () => {
      visit.requests--;
      if (visit.requests === 0 && !socket.destroyed) for (const sockets of idle) sockets.add(socket);
    });
    return undefined;
  }

  #visit(socket: Socket): Visit | null {
    const key = this.#keyOf(peerOf(socket));
    const address = key === undefined ? undefined : this.#addresses.get(key);
    const visit = address ? { address, isIn: false, isRefused: false, requests: 0 } : null;
    this.#visits.set(socket, visit);
    if (visit)
      socket.once('close', () => {
        visit.address.idle.delete(socket);
        this.#idle.delete(socket);
        if (visit.isRefused) visit.address.refused--;
      });
    return visit;
  }

  /** One that was refused may ask once more, when others have gone. */
  #letIn(visit: Visit): boolean {
    const { address } = visit;
    if (visit.isRefused) address.refused--;
    visit.isIn = address.sockets - address.refused <= this.#options.connectionsPerAddress;
    visit.isRefused = !visit.isIn;
    if (visit.isRefused) address.refused++;
    return visit.isIn;
  }

  /**
   * Whether another WebSocket, stream or raw connection of a client may come; undefined when it may. `peer` is the other
   * end of its socket: when a proxy names another client, the connection counts for that one until `closing` closes.
   */
  join(client: string, peer: string, closing: Closing): Breach | undefined {
    const key = this.#keyOf(client);
    if (key === undefined) return undefined;
    const pause = this.#paceOf(key).take();
    if (pause > 0) return { reason: 'address_rate', retryAfter: Math.ceil(pause / 1000) };
    if (client === normalAddress(peer)) return undefined; // its socket counts already
    if (this.connectionsOf(client) >= this.#options.connectionsPerAddress)
      return { reason: 'address_connections', retryAfter: CROWDED };
    this.#enter(key, closing);
    return undefined;
  }

  #enter(key: string, closing: Closing): void {
    const address = this.#addresses.get(key) ?? new Address();
    this.#addresses.set(key, address);
    address.sockets++;
    closing.once('close', () => {
      address.sockets--;
      if (address.sockets === 0) this.#addresses.delete(key);
    });
  }

  /** What counts as one; undefined for what has no limits. */
  #keyOf(address: string): string | undefined {
    return address === '' || this.#options.isProxy?.(address) ? undefined : neighbourhood(address);
  }

  #paceOf(key: string): TokenBucket {
    const { connectsPerSecond } = this.#options;
    const pace =
      this.#pace.get(key) ?? new TokenBucket(this.#clock, connectsPerSecond, BURST_SECONDS * connectsPerSecond);
    this.#pace.delete(key);
    this.#pace.set(key, pace);
    if (this.#pace.size > REMEMBERED) this.#pace.delete(this.#pace.keys().next().value!);
    return pace;
  }
}

/** Ends the longest idle one. False when none is. */
function takePlace(idle: Set<Socket>): boolean {
  const [socket] = idle;
  if (!socket) return false;
  idle.delete(socket);
  socket.destroy();
  return true;
}

function peerOf({ remoteAddress }: Socket): string {
  return normalAddress(remoteAddress ?? '') ?? '';
}
