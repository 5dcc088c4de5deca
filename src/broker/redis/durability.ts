import { ZocaloError } from '../../errors.ts';

/**
 * What an acknowledged publication has survived, besides the death of any process of ours.
 *
 * `memory`: it is in the memory of the server. A restart or a failover may lose the end of a log; clients are told of
 * that as a gap. `replicas:n`: so many replicas have it too (WAIT). `disk`: it is on the server's disk, and a restart of
 * a server loses nothing: `appendonly yes` and `appendfsync always`.
 */
export type Durability = 'memory' | 'disk' | `replicas:${number}`;

/** How many replicas must have a publication. @throws ZocaloError BAD_OPTION. */
export function replicasOf(durability: Durability): number {
  if (durability === 'memory' || durability === 'disk') return 0;
  const count = Number(/^replicas:([1-9]\d?)$/.exec(durability)?.[1]);
  if (count > 0) return count;
  throw new ZocaloError('BAD_OPTION', `the durability ${JSON.stringify(durability)} is unknown`, {
    advice: 'write memory, disk, or replicas: and a number',
  });
}
