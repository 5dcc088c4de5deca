import { quietPort } from './free-port.ts';
import { type Owner, type RedisServer, startRedis } from './redis.ts';
import { until } from './until.ts';

const SLOTS = 16_384;

/** A cluster that a test started. */
export interface ClusterTown {
  /** `redis+cluster://…` with all of its first primaries. */
  readonly address: string;
  /** The primaries at first: with equal shares of the slots, in their order. */
  readonly nodes: readonly RedisServer[];
  /** The replica of each, if there are any. */
  readonly replicas: readonly RedisServer[];
  /** Moves a slot, and its keys, by MIGRATE. */
  move(slot: number, from: RedisServer, to: RedisServer, between?: () => Promise<void>): Promise<void>;
}

export interface ClusterSettings {
  readonly hasReplicas?: boolean;
  /** As on the command line. */
  readonly settings?: readonly string[];
  /** The port that is told to clients of a server, which listens on another one. */
  /** More of them, for each server. */
  readonly more?: () => Promise<readonly string[]>;
  readonly announced?: (port: number) => Promise<number>;
}

/** A cluster of three primaries on free ports. */
export async function startCluster(t: Owner, options: ClusterSettings = {}): Promise<ClusterTown> {
  const { hasReplicas = false, settings = [], more = async () => [], announced } = options;
  const start = async () => {
    const [port, bus] = [await quietPort(), await quietPort()];
    const own = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', String(bus)];
    // With a slot that nobody has, the others are served.
    const whole = ['--cluster-require-full-coverage', 'no', '--cluster-replica-validity-factor', '0'];
    const told = announced ? ['--cluster-announce-port', String(await announced(port))] : [];
    const server = await startRedis(t, [...own, ...whole, ...told, ...settings, ...(await more())], port);
    return { server, bus };
  };
  const all = [await start(), await start(), await start()];
  const followers = hasReplicas ? [await start(), await start(), await start()] : [];
  for (const [at, { server }] of all.entries()) {
    const [from, to] = [Math.ceil((at * SLOTS) / 3), Math.ceil(((at + 1) * SLOTS) / 3) - 1];
    await server.ask('cluster', 'addslotsrange', from, to);
    await server.ask('cluster', 'set-config-epoch', at + 1);
  }
  const [first, ...others] = [...all, ...followers];
  for (const { server, bus } of others) await first!.server.ask('cluster', 'meet', '127.0.0.1', server.port, bus);
  const known = async (server: RedisServer) =>
    String(await server.ask('cluster', 'nodes'))
      .trim()
      .split('\n').length;
  const isWhole = async (server: RedisServer) =>
    (await known(server)) === all.length + followers.length &&
    String(await server.ask('cluster', 'info')).includes('cluster_state:ok');
  for (const { server } of [...all, ...followers])
    await until(
      async () => (await known(server)) === all.length + followers.length,
      'each server of the cluster knows the others',
    );
  const idOf = async (server: RedisServer) => String(await server.ask('cluster', 'myid'));
  for (const [at, { server }] of followers.entries()) {
    const id = await idOf(all[at]!.server);
    await until(
      () =>
        server
          .ask('cluster', 'replicate', id)
          .then(() => true)
          .catch(() => false),
      'it may follow its primary',
    );
    await until(async () => String(await server.ask('info', 'replication')).includes('link_status:up'), 'it follows');
  }
  for (const { server } of [...all, ...followers]) await until(() => isWhole(server), 'the cluster stands');
  const nodes = all.map(({ server }) => server);
  for (const one of nodes)
    await until(async () => {
      const text = String(await one.ask('cluster', 'nodes'));
      return !hasReplicas || text.match(/slave/g)?.length === 3;
    }, 'the replicas are known');
  return {
    address: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    replicas: followers.map(({ server }) => server),
    async move(slot, from, to, between) {
      const [source, target] = [await idOf(from), await idOf(to)];
      await to.ask('cluster', 'setslot', slot, 'importing', source);
      await from.ask('cluster', 'setslot', slot, 'migrating', target);
      const keys = (await from.ask('cluster', 'getkeysinslot', slot, 100_000)) as string[];
      for (const [at, key] of keys.entries()) {
        await from.ask('migrate', '127.0.0.1', to.port, key, 0, 5_000);
        if (at === 0) await between?.();
      }
      // A key that came to be meanwhile, at the old place.
      for (const key of (await from.ask('cluster', 'getkeysinslot', slot, 100_000)) as string[])
        await from.ask('migrate', '127.0.0.1', to.port, key, 0, 5_000);
      for (const server of [to, from]) await server.ask('cluster', 'setslot', slot, 'node', target);
      // Those that are replicas now hear of it from their primaries.
      for (const server of nodes) await server.ask('cluster', 'setslot', slot, 'node', target).catch(() => {});
    },
  };
}
