import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from './cli.ts';
import { quietPort } from './free-port.ts';
import { askAt, type Owner, type RedisServer, startRedis } from './redis.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { until } from './until.ts';

/** A primary, a replica of it, and a sentinel that watches both. */
export interface SentinelTown {
  /** `redis+sentinel://…` */
  readonly address: string;
  /** Who is the primary first. */
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** Tells the sentinel something. */
  tell(command: string, ...args: (string | number)[]): Promise<unknown>;
  /** The port of the primary that the sentinel names now. */
  named(): Promise<number>;
}

/**
 * `settings`: of both servers, as on the command line. `patience`: milliseconds without a sign of life until the primary
 * counts as dead.
 */
export async function startSentinel(t: Owner, settings: readonly string[] = [], patience = 500): Promise<SentinelTown> {
  const primary = await startRedis(t, settings);
  const replica = await startRedis(t, [...settings, '--replicaof', '127.0.0.1', String(primary.port)]);
  await until(async () => String(await replica.ask('info', 'replication')).includes('link_status:up'), 'it follows');
  const folder = temporaryFolder(t);
  const port = await quietPort();
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
    `sentinel down-after-milliseconds main ${patience}`,
    'sentinel failover-timeout main 3000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const program = new Program('redis-server', [file, '--sentinel'], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  const tell = (command: string, ...args: (string | number)[]) => askAt(port, command, ...args);
  const knows = async () => String(await tell('info', 'sentinel')).includes('status=ok');
  await until(() => knows().catch(() => false), 'the sentinel sees the primary');
  const replicas = async () => JSON.stringify(await tell('sentinel', 'replicas', 'main'));
  await until(async () => /"flags","slave","/.test(await replicas()), 'the sentinel knows the replica');
  return {
    address: `redis+sentinel://127.0.0.1:${port}/main`,
    primary,
    replica,
    tell,
    async named() {
      const [, named] = (await tell('sentinel', 'get-master-addr-by-name', 'main')) as [string, string];
      return Number(named);
    },
  };
}
