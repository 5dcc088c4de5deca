import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { Program } from './cli.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { until } from './until.ts';

/** Debian's has its version in the name, and is where only root looks. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

function find(): string | undefined {
  for (const folder of FOLDERS)
    if (existsSync(folder))
      for (const name of readdirSync(folder)) if (/^php-fpm[\d.]*$/.test(name)) return join(folder, name);
  return undefined;
}

const PROGRAM = find();

/** For `skip`: false where there is a php-fpm. */
export function missingFpm(): string | false {
  if (PROGRAM) return false;
  const sentence = 'needs php-fpm, which this machine does not have';
  if (process.env.CI) throw new Error(sentence);
  return sentence;
}

/** A php-fpm with two processes on a Unix socket, whose sessions are files in `sessions`. */
export async function startFpm(t: TestContext, sessions: string): Promise<{ socket: string; program: Program }> {
  const folder = temporaryFolder(t);
  const socket = join(folder, 'fpm.sock');
  const config = join(folder, 'fpm.conf');
  writeFileSync(
    config,
    `[global]
error_log = ${join(folder, 'fpm.log')}
daemonize = no
[www]
listen = ${socket}
pm = static
pm.max_children = 2
php_admin_value[session.save_path] = ${sessions}
`,
  );
  const program = new Program(PROGRAM!, ['--nodaemonize', '--allow-to-run-as-root', '--fpm-config', config]);
  t.after(() => program.stop('SIGTERM'));
  await until(() => existsSync(socket), 'php-fpm listens');
  return { socket, program };
}
