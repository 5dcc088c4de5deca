import { type Clock, systemClock } from '../../clock.ts';
import { parseAddress, placeOf, type RedisAddress } from './addresses.ts';
import { openLink } from './connecting.ts';
import type { LinkedServer } from './link.ts';
import { isSharding, type ServerFacts } from './server-facts.ts';

/** What is known of a store in Redis, for its operator. */
export interface RedisInspection {
  /** Its address without the password. */
  readonly place: string;
  /** `Redis 7.0.15`; several, if the servers of a cluster differ. */
  readonly product: string;
  /** What may lose messages, a sentence and what to do for each. */
  readonly warnings: readonly { readonly sentence: string; readonly advice: string }[];
}

interface Warning {
  /** The server that it is about. */
  readonly place: string;
  readonly sentence: string;
  readonly advice: string;
}

/** Connects, looks at each server, and leaves. Rejects with a code when the store cannot be used. */
export async function inspect(address: string, clock: Clock = systemClock): Promise<RedisInspection> {
  const parsed = parseAddress(address);
  const place = placeOf(parsed);
  const link = await openLink(parsed, {
    place,
    clock,
    isDurable: false,
    onBack: () => {},
    times: { connect: 5_000, silence: 5_000, random: Math.random },
  });
  try {
    const { servers } = link;
    const found = await Promise.all(servers.map((server) => inspectServer(server, parsed)));
    const products = new Set(servers.flatMap(({ facts }) => facts?.product ?? []));
    return {
      place,
      product: [...products].join(', '),
      warnings: parsed.kind === 'cluster' ? merged(found) : found.flat(),
    };
  } finally {
    link.close();
  }
}

async function inspectServer(server: LinkedServer, { kind, durability = 'memory' }: RedisAddress): Promise<Warning[]> {
  const { place, facts, fault } = server;
  if (!facts)
    return [
      {
        place,
        sentence: `a server of the cluster cannot be used: ${fault?.message ?? 'it is not connected'}`,
        advice: 'start it, or promote its replica: until then its channels are refused',
      },
    ];
  const [policy = facts.policy, sync] = await Promise.all([
    setting(server, 'maxmemory-policy'),
    setting(server, 'appendfsync'),
  ]);
  const warnings = [...policyWarnings(policy, facts), ...persistenceWarnings(facts, sync, durability)];
  if (kind === 'cluster' && !isSharding(facts))
    warnings.push({
      sentence: `${facts.product} copies every message to every server of the cluster`,
      advice: 'Redis 7 or Valkey sends it to one',
    });
  return warnings.map((warning) => ({ place, ...warning }));
}

/** Each warning once, with the servers that it is about. */
function merged(found: readonly (readonly Warning[])[]): Omit<Warning, 'place'>[] {
  return [...Map.groupBy(found.flat(), ({ sentence }) => sentence).values()].map((same) => {
    const { sentence, advice } = same[0]!;
    const where = same.length === found.length ? 'on all servers' : `on ${same.map(({ place }) => place).join(', ')}`;
    return { sentence: `${sentence} (${where})`, advice };
  });
}

/** A setting of the server. Undefined where CONFIG is forbidden, as managed servers do. */
async function setting(server: LinkedServer, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await server.call('config', 'get', name)) as string[];
    return value;
  } catch {
    return undefined;
  }
}

function policyWarnings(policy: string | undefined, { maxmemory }: ServerFacts) {
  if (policy === undefined || policy === 'noeviction') return [];
  return [
    {
      sentence: `maxmemory-policy is ${policy}${maxmemory > 0 ? '' : ', though there is no maxmemory yet'}: Redis deletes logs when its memory is full, and clients get gaps`,
      advice: 'CONFIG SET maxmemory-policy noeviction, also in redis.conf',
    },
  ];
}

function persistenceWarnings(
  { hasAof, replicas, lastSaveFailed }: ServerFacts,
  sync: string | undefined,
  durability: string,
) {
  const warnings: { sentence: string; advice: string }[] = [];
  if (lastSaveFailed)
    warnings.push({ sentence: 'Redis could not write to its disk the last time', advice: 'see the log of Redis' });
  if (durability === 'disk' && (!hasAof || (sync !== undefined && sync !== 'always')))
    warnings.push({
      sentence: `the durability disk is promised, and Redis has ${hasAof ? `appendfsync ${sync}` : 'no append-only file'}`,
      advice: 'set appendonly yes and appendfsync always',
    });
  else if (!hasAof && replicas === 0)
    warnings.push({
      sentence:
        'Redis has neither an append-only file nor a replica: its end loses every message since its last snapshot',
      advice: 'set appendonly yes, or give it a replica',
    });
  const wanted = Number(/^replicas:(\d+)$/.exec(durability)?.[1] ?? 0);
  if (replicas < wanted)
    warnings.push({
      sentence: `${wanted} replicas are promised, and ${replicas} are connected: every publication will fail`,
      advice: 'connect the replicas',
    });
  return warnings;
}
