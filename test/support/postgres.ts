import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { asUser } from './as-user.ts';
import { Program } from './cli.ts';
import type { DatabaseServer } from './database-server.ts';
import { freePort } from './free-port.ts';
import { missing } from './need.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Where Debian has Postgres, which is not on PATH there. */
const VERSIONS = '/usr/lib/postgresql';

const home = existsSync(VERSIONS)
  ? readdirSync(VERSIONS)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(VERSIONS, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;

/** For `skip`: false where this machine has Postgres. */
export const noPostgres = home ? false : missing('initdb', 'postgres');

/** A Postgres of the test's own, with an empty database `shop`, until the test is over. */
export async function startPostgres(t: Pick<TestContext, 'after'>): Promise<DatabaseServer> {
  let program: Program | undefined;
  t.after(() => program?.stop('SIGQUIT'));
  const folder = temporaryFolder(t);
  const user = asUser('postgres', folder);
  const data = join(folder, 'data');
  const path = (name: string) => (home ? join(home, name) : name);
  const run = (words: string[]) => {
    const { status, stdout, stderr } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', cwd: folder });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
  };
  run([...user, path('initdb'), '-D', data, '-U', 'root', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']);
  const port = await freePort();
  const words = [
    ...user,
    path('postgres'),
    '-D',
    data,
    '-p',
    String(port),
    '-k',
    folder,
    '-c',
    'listen_addresses=127.0.0.1',
    // Killing processes loses nothing that the system has; a start after it would write the whole folder to the disk.
    '-c',
    'fsync=off',
  ];
  const server: DatabaseServer = {
    address: `postgres://root@127.0.0.1:${port}/shop`,
    async start() {
      program = new Program(words[0]!, words.slice(1), { cwd: folder, env: { ...process.env, LC_ALL: 'C' } });
      await program.says(/ready to accept connections/, 'stderr');
    },
    async stop(signal = 'SIGKILL') {
      await program?.stop(signal);
      program = undefined;
    },
  };
  await server.start();
  run([path('createdb'), '-h', '127.0.0.1', '-p', String(port), '-U', 'root', 'shop']);
  return server;
}
