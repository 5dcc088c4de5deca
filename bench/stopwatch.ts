import { cpuSeconds } from './account.ts';

/** Reads the clocks; the answer, called later, tells what has passed on each since, in seconds. */
export function stopwatch(pid: number) {
  const wall = performance.now();
  const server = cpuSeconds(pid);
  const load = process.cpuUsage();
  return () => {
    const used = process.cpuUsage(load);
    return {
      wall: (performance.now() - wall) / 1e3,
      server: cpuSeconds(pid) - server,
      load: (used.user + used.system) / 1e6,
    };
  };
}
