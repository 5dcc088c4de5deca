import { ZocaloError } from '../../errors.ts';

/** What a server says about itself in INFO. */
export interface ServerFacts {
  /** Of Redis, or the version of Redis that another server is compatible with. */
  readonly version: string;
  /** Its name and version, for messages: `Redis 7.0.15`. */
  readonly product: string;
  /** Names the process: another one after each start. */
  readonly run: string;
  /** Names the history of its data: another one after each promotion to a primary. */
  readonly history: string;
  readonly role: string;
  readonly isLoading: boolean;
  readonly isCluster: boolean;
  /** Undefined when the server does not say. */
  readonly policy: string | undefined;
  readonly maxmemory: number;
  readonly hasAof: boolean;
  /** Replicas that are connected. */
  readonly replicas: number;
  readonly lastSaveFailed: boolean;
}

export function factsOf(info: string): ServerFacts {
  const lines = new Map(info.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string]));
  const version = lines.get('redis_version') ?? '0';
  const valkey = lines.get('valkey_version');
  return {
    version,
    product: valkey ? `Valkey ${valkey}` : `Redis ${version}`,
    run: lines.get('run_id') ?? '',
    history: lines.get('master_replid') ?? '',
    role: lines.get('role') ?? '',
    isLoading: lines.get('loading') === '1',
    isCluster: lines.get('cluster_enabled') === '1',
    policy: lines.get('maxmemory_policy'),
    maxmemory: Number(lines.get('maxmemory') ?? 0),
    hasAof: lines.get('aof_enabled') === '1',
    replicas: Number(lines.get('connected_slaves') ?? 0),
    lastSaveFailed: lines.get('rdb_last_bgsave_status') === 'err' || lines.get('aof_last_write_status') === 'err',
  };
}

/** The lowest version that works: XTRIM MINID came with it. */
const LOWEST = [6, 2] as const;
/** The lowest version with sharded PUB/SUB. */
const SHARDED = [7, 0] as const;

export const isSupported = (facts: ServerFacts): boolean => isAtLeast(facts.version, LOWEST);
export const isSharding = (facts: ServerFacts): boolean => isAtLeast(facts.version, SHARDED);

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [has = 0, hasMinor = 0] = version.split('.').map(Number);
  return has > major || (has === major && hasMinor >= minor);
}

/** @throws ZocaloError LOG_UNSUITABLE, LOG_READ_ONLY, LOG_UNREACHABLE when the log cannot be there. */
export function checkServer(place: string, facts: ServerFacts, kind: 'single' | 'sentinel' | 'cluster'): void {
  if (!isSupported(facts))
    throw new ZocaloError('LOG_UNSUITABLE', `${place} is ${facts.product}`, {
      advice: 'Redis 6.2, Valkey, or newer is needed',
    });
  if (facts.isCluster && kind !== 'cluster')
    throw new ZocaloError('LOG_UNSUITABLE', `${place} is a server of a cluster`, {
      advice: 'write the address as redis+cluster://…',
    });
  if (!facts.isCluster && kind === 'cluster')
    throw new ZocaloError('LOG_UNSUITABLE', `${place} is not part of a cluster`, {
      advice: 'write the address as redis://…',
    });
  if (facts.isLoading)
    throw new ZocaloError('LOG_UNREACHABLE', `${place} is still loading its data`, {
      advice: 'it is tried again by itself',
    });
  if (facts.role === 'slave' && kind !== 'cluster')
    throw new ZocaloError('LOG_READ_ONLY', `${place} is a replica`, {
      advice: 'give the address of the primary, or redis+sentinel:// with the addresses of the sentinels',
    });
}
