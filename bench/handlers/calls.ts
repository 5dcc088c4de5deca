import { Latencies } from './latencies.ts';

export interface CallOrder {
  /** Calls at the same time, each of another connection. */
  callers: number;
  seconds: number;
  warmUp: number;
}

export interface CallResult {
  /** Calls answered a second of wall clock. */
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Microseconds of CPU time for each call: of Zócalo, and of the programs that answer, where they were measured. */
  zocalo: number;
  programs?: number;
}

/** The arguments of each call, as JSON. */
export const DATA = '{"product":"a thing","count":3,"note":"as quick as it can be"}';

/**
 * Keeps a call of every caller in flight: `call` makes one and resolves with its answer. `cpu` starts a watch, which tells
 * the seconds of CPU time since.
 */
export async function measureCalls(
  { callers, seconds, warmUp }: CallOrder,
  call: (caller: number) => Promise<void>,
  cpu: () => () => { zocalo: number; programs?: number },
): Promise<CallResult> {
  let latencies = new Latencies();
  const run = async (length: number) => {
    const end = performance.now() + length * 1e3;
    const one = async (caller: number) => {
      for (let begun = performance.now(); begun < end; ) {
        await call(caller);
        const now = performance.now();
        latencies.add(now - begun);
        begun = now;
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)));
  };
  await run(warmUp);
  latencies = new Latencies();
  const begun = performance.now();
  const watch = cpu();
  await run(seconds);
  const { zocalo, programs } = watch();
  const took = (performance.now() - begun) / 1e3;
  const each = (used: number) => (used * 1e6) / latencies.count;
  return {
    perSecond: latencies.count / took,
    ...latencies.summary(),
    zocalo: each(zocalo),
    ...(programs !== undefined && { programs: each(programs) }),
  };
}
