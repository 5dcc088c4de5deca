import { setTimeout as pause } from 'node:timers/promises';

export interface RateOrder {
  readonly address: string;
  /** How many are under way at any time, on as many channels. */
  readonly inFlight: number;
  readonly channels: number;
  readonly seconds: number;
  readonly warmUp: number;
}

export interface RateResult {
  readonly perSecond: number;
}

/** How often a second `action` ends, called by each of those under way again and again with its number, from 0. */
export async function measureRate(
  { inFlight, seconds, warmUp }: RateOrder,
  action: (at: number) => Promise<void>,
): Promise<RateResult> {
  let ended = 0;
  let stop = false;
  const lane = async (at: number) => {
    while (!stop) {
      await action(at);
      ended++;
    }
  };
  const lanes = Array.from({ length: inFlight }, (_, at) => lane(at));
  await pause(warmUp * 1e3);
  const [before, started] = [ended, performance.now()];
  await pause(seconds * 1e3);
  const result = { perSecond: ((ended - before) * 1e3) / (performance.now() - started) };
  stop = true;
  await Promise.all(lanes);
  return result;
}
