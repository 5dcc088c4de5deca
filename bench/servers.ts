import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendants } from './account.ts';
import type { ServerName, Workload } from './workloads.ts';

/** How a server is installed and started. */

export interface ServerProgram {
  name: ServerName;
  /** Name and version, and the runtime's where that is another program. */
  version: string;
  /** The command line for a workload. */
  command(mode: Workload['mode']): string[];
}

export interface RunningServer {
  pid: number;
  port: number;
  stop(): Promise<void>;
}

/** Pinned, so that runs can be compared; raise them with care and run everything again. */
const PACKAGES = {
  ws: 'ws@8.23.0',
  // The add-on that ws's documentation recommends for speed.
  bufferutil: 'bufferutil@4.1.0',
  uws: '@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0',
  bun: 'bun@1.4.5',
  socketio: 'socket.io@4.8.4',
  redisStreams: '@socket.io/redis-streams-adapter@0.3.1',
  redisAdapter: '@socket.io/redis-adapter@8.3.0',
  redis: 'redis@5.10.0',
  // That build of uWebSockets.js has binaries for Node 20 at the latest.
  node20: `node-${process.platform}-${process.arch}@20.20.2`,
};
/** `process.versions.modules` of Node 20. */
const NODE_20_MODULES = '115';

const START_TIMEOUT = 20_000;
const INSTALL_TIMEOUT = 300_000;

/** Outside of the project, which does not depend on the peers. */
export const cache = join(process.env.XDG_CACHE_HOME ?? tmpdir(), 'zocalo-bench');

const inPeers = (file: string) => fileURLToPath(new URL(`./peers/${file}`, import.meta.url));

/** Installs a server if necessary. Throws if that is not possible here. */
export const servers: Record<ServerName, () => ServerProgram> = {
  zocalo() {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    return {
      name: 'zocalo',
      version: `Zócalo ${version} on Node ${process.versions.node}`,
      command: (mode) => [process.execPath, fileURLToPath(new URL(`./servers/${mode}.ts`, import.meta.url))],
    };
  },
  uws() {
    const version = install(PACKAGES.uws);
    const node = node20();
    const runtime = output(node, '-p', 'process.versions.node');
    return {
      name: 'uws',
      version: `uWebSockets.js ${version} on Node ${runtime}`,
      command: () => [node, inPeers('uws.cjs')],
    };
  },
  ws() {
    const version = install(PACKAGES.ws);
    const bufferutil = install(PACKAGES.bufferutil);
    return {
      name: 'ws',
      version: `ws ${version} with bufferutil ${bufferutil} on Node ${process.versions.node}`,
      command: () => [process.execPath, inPeers('ws.cjs')],
    };
  },
  bun() {
    const version = install(PACKAGES.bun);
    const bun = installed('bun', 'bin/bun.exe'); // so named on every system
    return { name: 'bun', version: `Bun ${version}`, command: () => [bun, inPeers('bun.js')] };
  },
};

/** The hub's peer, like the engine's in `servers`. Throws if it cannot be installed here. */
export function socketIo(): { version: string; command: string[] } {
  const version = install(PACKAGES.socketio);
  const bufferutil = install(PACKAGES.bufferutil);
  return {
    version: `Socket.IO ${version} with bufferutil ${bufferutil} on Node ${process.versions.node}`,
    command: [process.execPath, inPeers('socketio.cjs')],
  };
}

/** Several nodes with one Redis. Throws if it cannot be installed here. */
export function socketIoOverRedis(): { version: string; command: string[] } {
  const [peer, streams, adapter, driver] = [
    socketIo(),
    install(PACKAGES.redisStreams),
    install(PACKAGES.redisAdapter),
    install(PACKAGES.redis),
  ];
  return {
    version: `${peer.version}, redis-streams-adapter ${streams}, redis-adapter ${adapter}, redis ${driver}`,
    command: [process.execPath, inPeers('socketio-redis.cjs')],
  };
}

/** Starts a server, on the given core if any, and resolves when it reports that it is ready. */
export function start(program: ServerProgram, workload: Workload, core?: number): Promise<RunningServer> {
  const environment = { MODE: workload.mode, COMPRESSION: workload.compressed ? '1' : '0' };
  return launch(program.command(workload.mode), environment, core);
}

/** Runs a server's command with its own PORT, and resolves when it has printed something. */
export async function launch(
  command: string[],
  environment: Record<string, string>,
  core?: number,
): Promise<RunningServer> {
  const port = await freePort();
  const [file, ...args] = pinned(core, command);
  const child = spawn(file!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: String(port),
      ...environment,
      NODE_PATH: join(cache, 'node_modules'),
    },
  });
  let complaint = '';
  child.stderr.on('data', (bytes) => {
    complaint += bytes;
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    killAll(child);
    await exited;
  };
  const state = await new Promise<'ready' | 'late' | 'gone'>((resolve) => {
    const timer = setTimeout(resolve, START_TIMEOUT, 'late');
    child.once('error', (error) => {
      complaint += error.message;
      resolve('gone');
    });
    child.stdout.once('data', () => resolve('ready'));
    exited.then(() => resolve('gone')).finally(() => clearTimeout(timer));
  });
  if (state !== 'ready') {
    await stop();
    throw new Error(firstError(complaint) || `not ready in ${START_TIMEOUT / 1000} s`);
  }
  // taskset replaces itself by its command, so this is the server's own process.
  return { pid: child.pid!, port, stop };
}

/** Ends a process and all that it has started, at once. */
export function killAll(child: ChildProcess): void {
  for (const pid of child.pid === undefined ? [] : descendants(child.pid)) process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
}

/** The same command, bound to one core where there is one to name. */
export function pinned(core: number | undefined, command: string[]): string[] {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command];
}

/** What a program prints. */
export function output(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function runInCache(file: string, args: string[]): void {
  execFileSync(file, args, {
    cwd: cache,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_TIMEOUT,
  });
}

/** The most informative line of what a program wrote before it failed. */
function firstError(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /error/i.test(line)) ?? lines[0] ?? '').trim();
}

const installed = (name: string, file: string) => join(cache, 'node_modules', name, file);

/** Installs one package into the cache folder, unless it is there. Returns its version. */
function install(wanted: string): string {
  const name = wanted.slice(0, wanted.lastIndexOf('@'));
  const version = wanted.slice(name.length + 1);
  const manifest = installed(name, 'package.json');
  const found = () => existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version;
  if (found() !== version) {
    mkdirSync(cache, { recursive: true });
    if (!existsSync(join(cache, 'package.json'))) writeFileSync(join(cache, 'package.json'), '{"private":true}\n');
    try {
      runInCache('npm', ['install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', wanted]);
      // Bun's package has a script that installs its program: the only script that is run here.
      if (name === 'bun') runInCache(process.execPath, [installed('bun', 'install.js')]);
    } catch (error) {
      throw new Error(
        `cannot install ${wanted}: ${firstError((error as { stderr?: string }).stderr ?? String(error))}`,
      );
    }
  }
  return version;
}

/** A Node 20: the first on PATH outside of any project, or one from npm. */
function node20(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (folder.includes('node_modules') || !existsSync(node)) continue;
    if (output(node, '-p', 'process.versions.modules') === NODE_20_MODULES) return node;
  }
  install(PACKAGES.node20);
  return installed(`node-${process.platform}-${process.arch}`, 'bin/node');
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
