import { cpuSeconds } from './account.ts';

/** Reads the clocks; the returned function gives the seconds that have passed on each since. */
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
