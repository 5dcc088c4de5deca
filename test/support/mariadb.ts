import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { asUser } from './as-user.ts';
import { Program } from './cli.ts';
import type { DatabaseServer } from './database-server.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const MARIADB = ['mariadbd', 'mariadb-install-db'];

/** A MariaDB of the test's own, with an empty database `shop`, until the test is over. */
export async function startMariadb(t: Pick<TestContext, 'after'>): Promise<DatabaseServer> {
  let program: Program | undefined;
  t.after(() => program?.stop('SIGKILL'));
  const folder = temporaryFolder(t);
  const user = asUser('mysql', folder);
  const data = join(folder, 'data');
  const run = (words: string[]) => {
    const { status, stdout, stderr } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', cwd: folder });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
  };
  run([
    ...user,
    'mariadb-install-db',
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]);
  const port = await freePort();
  const words = [
    ...user,
    'mariadbd',
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${join(folder, 'socket')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--innodb-buffer-pool-size=16M',
    '--innodb-log-file-size=8M',
    '--log-bin-trust-function-creators=1',
  ];
  const server: DatabaseServer = {
    address: `mysql://root@127.0.0.1:${port}/shop`,
    async start() {
      program = new Program(words[0]!, words.slice(1), { cwd: folder });
      await program.says(/ready for connections[\s\S]*port: [1-9]/, 'stderr');
    },
    async stop(signal = 'SIGKILL') {
      await program?.stop(signal);
      program = undefined;
    },
  };
  await server.start();
  const create = ['-h127.0.0.1', `-P${port}`, '-uroot', '--skip-ssl', '-e', 'CREATE DATABASE shop'];
  run(['mariadb', ...create]);
  return server;
}
