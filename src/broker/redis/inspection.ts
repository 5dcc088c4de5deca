import { type Clock, systemClock } from '../../clock.ts';
import { parseAddress, placeOf } from './addresses.ts';
import { openLink } from './connecting.ts';
import type { Link } from './link.ts';
import { isSharding, type ServerFacts } from './server-facts.ts';

/** What is known of a store in Redis, for whoever looks after it. */
export interface RedisInspection {
  /** Its address without the password. */
  readonly place: string;
  /** `Redis 7.0.15`. */
  readonly product: string;
  /** What may lose messages, a sentence and what to do for each. */
  readonly warnings: readonly { readonly sentence: string; readonly advice: string }[];
}

/** Connects, looks, and leaves. Rejects with a code when the store cannot be used. */
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
    const facts = link.facts[0]!;
    const [policy = facts.policy, sync] = await Promise.all([
      setting(link, 'maxmemory-policy'),
      setting(link, 'appendfsync'),
    ]);
    const warnings = [
      ...policyWarnings(policy, facts),
      ...persistenceWarnings(facts, sync, parsed.durability ?? 'memory'),
      ...(parsed.kind === 'cluster' && !isSharding(facts)
        ? [
            {
              sentence: `${facts.product} copies every message to every server of the cluster`,
              advice: 'Redis 7 or Valkey sends it to one',
            },
          ]
        : []),
    ];
    return { place, product: facts.product, warnings };
  } finally {
    link.close();
  }
}

/** A setting of the server. Undefined where CONFIG is forbidden, as managed servers do. */
async function setting(link: Link, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await link.call('config', 'get', name)) as string[];
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
