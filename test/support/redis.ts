import { Redis } from 'ioredis';
import { Program } from './cli.ts';
import { quietPort } from './free-port.ts';
import { missing } from './need.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** For `skip`: false where this machine has Redis. */
export const noRedis = missing('redis-server');

/** A test, or the hooks of a file. */
export interface Owner {
  after(end: () => unknown): void;
}

/** A Redis that a test started, and can stop, kill, pause and start again at the same port. */
export interface RedisServer {
  readonly port: number;
  /** `redis://…` */
  readonly address: string;
  /** With the data that it had, as far as it wrote it to its folder. `more`: settings for this time. */
  start(more?: readonly string[]): Promise<void>;
  /** SIGKILL by default. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Asks or tells it something, by a connection of its own. */
  ask(command: string, ...args: (string | number)[]): Promise<unknown>;
}

/** A Redis with an empty folder, until the test is over. `settings`: as on its command line. */
export async function startRedis(t: Owner, settings: readonly string[] = [], port?: number): Promise<RedisServer> {
  return startServer(t, 'redis-server', settings, port);
}

/** The same of another program that is like it: `valkey-server`. */
export async function startServer(
  t: Owner,
  command: string,
  settings: readonly string[] = [],
  wanted?: number,
): Promise<RedisServer> {
  const folder = temporaryFolder(t);
  const port = wanted ?? (await quietPort());
  const quiet = [
    '--save',
    '',
    '--daemonize',
    'no',
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--repl-diskless-sync-delay',
    '0',
  ];
  let program: Program | undefined;
  let client: Redis | undefined;
  t.after(async () => {
    client?.disconnect();
    program?.child.kill('SIGCONT');
    await program?.stop('SIGKILL');
  });
  const server: RedisServer = {
    port,
    address: `redis://127.0.0.1:${port}`,
    async start(more = []) {
      program = new Program(command, ['--port', String(port), ...quiet, ...settings, ...more], { cwd: folder });
      await program.says(/Ready to accept connections/);
    },
    async stop(signal = 'SIGKILL') {
      client?.disconnect();
      client = undefined;
      await program?.stop(signal);
      program = undefined;
    },
    signal: (signal) => void program?.child.kill(signal),
    ask(command, ...args) {
      client ??= quietClient(port, settings);
      return client.call(command, args as string[]);
    },
  };
  await server.start();
  return server;
}

function quietClient(port: number, settings: readonly string[]): Redis {
  const at = settings.indexOf('--requirepass');
  const client = new Redis({ host: '127.0.0.1', port, protocol: 2, ...(at >= 0 && { password: settings[at + 1]! }) });
  client.on('error', () => {}); // the next question tells
  return client;
}

/** Asks or tells a server of this machine something, by a connection for this alone. */
export async function askAt(port: number, command: string, ...args: (string | number)[]): Promise<unknown> {
  const client = quietClient(port, []);
  try {
    return await client.call(command, args as string[]);
  } finally {
    client.disconnect();
  }
}

/** Whether a replica has everything that its primary has. */
export async function hasAll(replica: RedisServer, primary: RedisServer): Promise<boolean> {
  const [its, all] = await Promise.all([replica, primary].map((server) => server.ask('info', 'replication')));
  const offsetOf = (info: unknown) => /master_repl_offset:(\d+)/.exec(String(info))?.[1];
  return offsetOf(its) === offsetOf(all);
}

/** What is written to the primary from now on does not reach the replica; it goes on with SIGCONT. */
export async function cutOff(replica: RedisServer, primary: RedisServer): Promise<void> {
  replica.signal('SIGSTOP');
  await primary.ask('client', 'kill', 'type', 'replica'); // what is sent waits in the kernel otherwise
}
