import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, killAll } from '../servers.ts';

/** The programs that answer calls, with one process or several. */

export const CARRIERS = ['pipes', 'FastCGI', 'HTTP'] as const;
export type CarrierName = (typeof CARRIERS)[number];

export interface Answering {
  /** The keys of a handler that is answered here. */
  keys: object;
  /** Its first process, if it is not the daemon that starts it. */
  pid?: number;
  stop(): void;
}

const SCRIPT = fileURLToPath(new URL('./answer.php', import.meta.url));
const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const START_TIMEOUT = 5_000;

/** Starts what answers by this carrier. `folder`: for its files. Throws if it is missing here. */
export async function answering(carrier: CarrierName, workers: number, folder: string): Promise<Answering> {
  if (carrier === 'pipes') return { keys: { run: ['php', SCRIPT], workers }, stop() {} };
  return carrier === 'FastCGI' ? fpm(workers, folder) : builtIn(workers);
}

async function fpm(workers: number, folder: string): Promise<Answering> {
  const program = fpmProgram();
  if (program === undefined) throw new Error('there is no php-fpm here');
  const own = mkdtempSync(join(folder, 'fpm-')); // the socket of one that was killed stays
  const socket = join(own, 'socket');
  const config = join(own, 'conf');
  const lines = ['[global]', `error_log=${own}/log`, '[www]', `listen=${socket}`, 'pm=static'];
  writeFileSync(config, [...lines, `pm.max_children=${workers}`, ''].join('\n'));
  const child = spawn(program, ['--nodaemonize', '--allow-to-run-as-root', '-y', config], { stdio: 'ignore' });
  return ready(child, { keys: { url: `fcgi+unix:${socket}:${SCRIPT}` } }, async () => existsSync(socket));
}

/** Debian's has its version in the name, and is where only root looks. */
function fpmProgram(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .find((path) => /\/php-fpm[\d.]*$/.test(path));
}

/** PHP's own server. */
async function builtIn(workers: number): Promise<Answering> {
  const port = await freePort();
  const env = { ...process.env, ...(workers > 1 && { PHP_CLI_SERVER_WORKERS: String(workers) }) };
  const child = spawn('php', ['-S', `127.0.0.1:${port}`, '-t', FOLDER], { stdio: 'ignore', env });
  return ready(child, { keys: { url: `http://127.0.0.1:${port}/answer.php` } }, () => accepts(port));
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      });
  });
}

async function ready(
  child: ChildProcess,
  answer: Pick<Answering, 'keys'>,
  isReady: () => Promise<boolean>,
): Promise<Answering> {
  let failed: Error | undefined;
  child.once('error', (error) => {
    failed = error;
  });
  for (const late = Date.now() + START_TIMEOUT; !(await isReady()); await pause(20)) {
    if (failed) throw failed;
    if (Date.now() < late) continue;
    killAll(child);
    throw new Error(`${child.spawnfile} was not ready in ${START_TIMEOUT / 1e3} s`);
  }
  return { ...answer, pid: child.pid!, stop: () => killAll(child) };
}
