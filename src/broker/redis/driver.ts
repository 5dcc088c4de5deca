import { readFileSync } from 'node:fs';
import { ZocaloError } from '../../errors.ts';
import { loadDriver } from '../../optional-package.ts';
import { placeOf, type RedisAddress, type RedisHost } from './addresses.ts';

/** What is used of a client of ioredis: one connection that is made again when it is lost. */
export interface Client {
  readonly status: string;
  readonly stream?: { cork(): void; uncork(): void; destroy(): void };
  connect(): Promise<void>;
  /** `true`: to connect again. */
  disconnect(reconnect?: boolean): void;
  call(command: string, args: readonly (string | number)[]): Promise<unknown>;
  /** `moved`: a topic of sharded PUB/SUB belongs to another server now. */
  on(event: 'ready' | 'close' | 'end' | 'moved', listener: () => void): unknown;
  on(event: 'error' | 'sentinelError', listener: (error: Error) => void): unknown;
  on(event: 'message' | 'smessage', listener: (topic: string, message: string) => void): unknown;
  on(event: 'pmessage', listener: (pattern: string, topic: string, message: string) => void): unknown;
}

export interface Driver {
  readonly Redis: new (options: object) => Client;
}

/** Loads the driver. @throws ZocaloError DRIVER_MISSING. */
export async function loadRedisDriver(): Promise<Driver> {
  return (await loadDriver('ioredis', 'a store in Redis')) as Driver;
}

export interface ClientTimes {
  /** Milliseconds until a connection must stand. */
  readonly connect: number;
  /** Milliseconds without a byte while an answer is expected, after which the connection counts as dead. */
  readonly silence: number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Milliseconds between tries to connect: doubled from the first to the last, half of it by chance. */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 3_000;

export function pauseBefore(attempt: number, random: () => number): number {
  const pause = Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt - 1, 16));
  return Math.round(pause / 2 + (random() * pause) / 2);
}

/**
 * Options of one connection. Nothing is queued while there is no connection, and nothing is sent twice: what was on its
 * way is rejected, and its sender decides.
 */
export function connectionOptions(address: RedisAddress, { connect, silence, random }: ClientTimes): object {
  const { username, password, tls } = address;
  return {
    lazyConnect: true,
    protocol: 2,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: connect,
    socketTimeout: silence,
    keepAlive: 10_000,
    retryStrategy: (attempt: number) => pauseBefore(attempt, random),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: tlsOptions(address) }),
  };
}

/** @throws ZocaloError BAD_ADDRESS when the file cannot be read. */
function tlsOptions(address: RedisAddress): object {
  if (address.ca === undefined) return {};
  try {
    return { ca: readFileSync(address.ca) };
  } catch (cause) {
    throw new ZocaloError('BAD_ADDRESS', `${placeOf(address)} has ?ca=${address.ca}, which cannot be read`, {
      advice: 'name the PEM file of the authority that signs the certificates of Redis',
      cause,
    });
  }
}

/** A client for one server, or for the primary that the sentinels name. It does not connect yet. */
export function makeClient({ Redis }: Driver, address: RedisAddress, times: ClientTimes): Client {
  const [{ host, port } = { host: '', port: 0 }] = address.hosts;
  const pause = (attempt: number) => pauseBefore(attempt, times.random);
  return new Redis({
    ...connectionOptions(address, times),
    db: address.database,
    ...(address.kind === 'sentinel'
      ? {
          sentinels: address.hosts,
          name: address.name,
          sentinelRetryStrategy: pause,
          sentinelCommandTimeout: times.connect,
          ...(address.sentinelUser !== undefined && { sentinelUsername: address.sentinelUser }),
          ...(address.sentinelPassword !== undefined && { sentinelPassword: address.sentinelPassword }),
          ...(address.tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(address) }),
        }
      : { host, port }),
  });
}

/** A client for one sentinel. It does not connect yet. */
export function makeSentinelClient(
  { Redis }: Driver,
  address: RedisAddress,
  times: ClientTimes,
  host: RedisHost,
): Client {
  const { username: _, password: __, ...others } = address;
  const { sentinelUser: username, sentinelPassword: password } = address;
  const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  return new Redis({ ...connectionOptions({ ...others, ...login }, times), ...host });
}

/** Makes a client try again that has ended by itself: the driver gives up when it is cut while it asks the sentinels. */
export function reviveWhenEnded(client: Client, isClosed: () => boolean): void {
  const revive = () => {
    if (!isClosed()) client.connect().catch(() => {}); // the client tells why by its events
  };
  client.on('end', () => {
    if (!isClosed()) setTimeout(revive, FIRST_PAUSE).unref();
  });
}
