import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../clock.ts';
import { TokenBucket } from '../../hub/index.ts';
import { neighbourhood, normalAddress } from '../http/index.ts';

export interface AddressLimitOptions {
  /** Connections of one client address. */
  readonly connectionsPerAddress: number;
  /** WebSockets at a time, of all addresses. A thousand more sockets are for pages, API and probes. Default: no limit. */
  readonly connections?: number;
  /** New WebSockets, streams and raw connections per second of one client address; bursts of four times as many. */
  readonly connectsPerSecond: number;
  /** Whether an address is a proxy's, which has no limits since it forwards for others. Default: none is. */
  readonly isProxy?: (address: string) => boolean;
  readonly clock?: Clock;
}

/** Why an address may not open another connection now. */
export interface Breach {
  readonly reason: 'address_connections' | 'address_rate';
  /** Seconds after which it may try again. */
  readonly retryAfter: number;
}

/** Emits `close` once. */
interface Closing {
  once(event: 'close', listener: () => void): unknown;
}

/** Addresses whose rate is remembered, some 200 bytes each. Beyond that, the least recent is forgotten. */
const REMEMBERED = 10_000;
/** Seconds after which a client may try again when its address has too many connections. */
const CROWDED = 30;
const BURST_SECONDS = 4;
/** Sockets over an address's limit that are still told why they are refused. Further ones are cut off. */
const TOLD = 64;

/** Sockets for other purposes, beyond the limit of WebSockets. */
const SPARE = 1_000;

/** The connections of one address. */
class Address {
  /** Open sockets, including those that were refused. */
  sockets = 0;
  refused = 0;
  /** Keep-alive connections with no request under way, the longest idle first. */
  readonly idle = new Set<Socket>();
}

/** A socket that carries HTTP requests. */
interface Visit {
  readonly address: Address;
  /** Whether one of its requests was accepted; then all further ones are. */
  isIn: boolean;
  isRefused: boolean;
  /** Requests under way. */
  requests: number;
}

/**
 * Limits the connections of each client address; an IPv6 /64 network counts as one address. Each accepted socket counts
 * until it is closed, even if it never sends anything. For a proxy, its sockets do not count: the WebSockets and
 * streams of each client that it names do. Unix sockets have no address, and no limits.
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

  /** Whether all addresses together have reached the limit. */
  get isFull(): boolean {
    const { connections = Number.POSITIVE_INFINITY } = this.#options;
    return this.#sockets >= connections + SPARE;
  }

  /**
   * Counts a socket that was just accepted. False: cut it off without an answer. A socket over the address's limit
   * replaces an idle HTTP connection of the same address, if there is one; otherwise its first request is refused. A
   * socket over the limit of all addresses replaces any idle one.
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

  /** Checks a request by the socket that it came on. A handshake has no response. */
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

  /** A refused socket may be accepted with a later request, when others have closed. */
  #letIn(visit: Visit): boolean {
    const { address } = visit;
    if (visit.isRefused) address.refused--;
    visit.isIn = address.sockets - address.refused <= this.#options.connectionsPerAddress;
    visit.isRefused = !visit.isIn;
    if (visit.isRefused) address.refused++;
    return visit.isIn;
  }

  /**
   * Whether a client may open another WebSocket, stream or raw connection; undefined when it may. `peer` is the address
   * of the socket: when that is a proxy's, the connection counts for `client` until `closing` closes.
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

  /** The address or network that is counted as one; undefined when it has no limits. */
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

/** Closes the longest idle socket. False when none is idle. */
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
