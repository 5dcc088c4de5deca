import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { asUser } from './as-user.ts';
import { Program } from './cli.ts';
import { freePort } from './free-port.ts';
import { missing } from './need.ts';
import { noPostgres } from './postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** For `skip`: false where this machine has Postgres and PgBouncer. */
export const noPgBouncer = noPostgres || missing('pgbouncer');

/** A PgBouncer in transaction mode before a Postgres of the test's own: returns the address by way of it. */
export async function startPgBouncer(t: Pick<TestContext, 'after'>, address: string): Promise<string> {
  const folder = temporaryFolder(t);
  const user = asUser('postgres', folder);
  const [port, server] = [await freePort(), new URL(address)];
  const file = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${server.port} user=${server.username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 2',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const words = [...user, 'pgbouncer', file];
  const program = new Program(words[0]!, words.slice(1), { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  await program.says(/process up/, 'stderr');
  server.port = String(port);
  return server.href;
}
