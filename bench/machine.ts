import { execFileSync, spawn, spawnSync } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { pinned } from './servers.ts';

/** The machine that runs the bench; starts programs of this folder on a core of it. */

type Remark = (text: string) => void;

/** A core for the server and one for the load, of those that this process may use. */
export function cores(remark: Remark): [number, number] | [] {
  const shown = spawnSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' }).stdout ?? '';
  const list = /list: (\S+)/.exec(shown)?.[1];
  if (list === undefined) {
    remark('taskset is missing: servers and load are not pinned to cores, so the figures scatter more');
    return [];
  }
  const allowed = list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number) as [number, number | undefined];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
  if (allowed.length < 2) {
    remark('there is only one core: the load takes time from the servers, and throughput means nothing');
    return [];
  }
  return [allowed[0]!, allowed[1]!];
}

/** Reports when the machine is busy with other programs, or was a minute ago, and when these go first. */
export function remarkNoise(remark: Remark): void {
  const load = os.loadavg()[0]!;
  const nice = os.getPriority();
  if (nice > 0) remark(`everything ran with nice ${nice}: other programs had the processor first`);
  if (load > 0.5) remark(`the machine was not quiet (load average ${load.toFixed(2)} at the beginning)`);
}

/** The limit that a child process inherits: Node raises its own as far as allowed. */
export function openFiles(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

export function machine(): { date: string; machine: string; system: string } {
  const { model } = os.cpus()[0]!;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${model}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    system: `${os.type()} ${os.release()}`,
  };
}

/** Runs a program of this folder, with its order as JSON, and parses the JSON that it prints. */
export async function program<T>(name: string, order: object, core: number | undefined): Promise<T> {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url));
  const [file, ...args] = pinned(core, [process.execPath, script, JSON.stringify(order)]);
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (bytes) => {
    output += bytes;
  });
  child.stderr.on('data', (bytes) => {
    complaint += bytes;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (code !== 0) throw new Error(complaint.trim().split('\n')[0] || `${name} did not end within 120 s`);
  return JSON.parse(output);
}
