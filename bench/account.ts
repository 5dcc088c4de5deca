import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** The operating system's CPU and memory accounting of another process. */

const hasProc = existsSync('/proc/self/stat');

/** Linux counts time in ticks of USER_HZ, which is 100 on every architecture that Node supports (proc(5)). */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU time, user and system, that a process and all that it has started have used; to 10 ms. */
export function cpuSeconds(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, one) => sum + ownCpuSeconds(one), 0);
}

/** Without /proc they are not found. */
export function descendants(pid: number): number[] {
  if (!hasProc) return [];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** The same of the process alone. */
export function ownCpuSeconds(pid: number): number {
  if (!hasProc) return seconds(ps('time', pid));
  // The name in parentheses may contain anything, so the fields are counted after it: `state` is the third.
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of physical memory that a process holds. */
export function residentBytes(pid: number): number {
  if (!hasProc) return Number(ps('rss', pid)) * 1024;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

function ps(field: string, pid: number): string {
  return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** `[[hours:]minutes:]seconds[.hundredths]`, as ps writes it. */
function seconds(time: string): number {
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
