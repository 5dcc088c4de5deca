import type { TestContext } from 'node:test';
import { FakeClock } from './fake-clock.ts';

/** The longest delay that a timer of Node's or a browser's keeps. */
const LONGEST = 2 ** 31 - 1;

/**
 * The timers of the machine in a test's hand, with the rule that Node and browsers have: a delay that is no number,
 * under a millisecond, or over 2³¹ − 1 is one millisecond. A `FakeClock` by itself keeps any delay, and shows no
 * overflow.
 */
export function fakeHostTimers(t: TestContext): FakeClock {
  const clock = new FakeClock();
  const kept = (delay: number | undefined) => (delay !== undefined && delay >= 1 && delay <= LONGEST ? delay : 1);
  type Callback = (...args: unknown[]) => void;
  const timers = {
    setTimeout: (action: Callback, delay?: number, ...args: unknown[]) =>
      clock.after(kept(delay), () => action(...args)),
    setInterval: (action: Callback, delay?: number, ...args: unknown[]) =>
      clock.every(kept(delay), () => action(...args)),
    clearTimeout: (cancel?: () => void) => cancel?.(),
    clearInterval: (cancel?: () => void) => cancel?.(),
  };
  for (const [name, fake] of Object.entries(timers)) {
    const own = globalThis[name as keyof typeof timers];
    Object.assign(globalThis, { [name]: fake });
    t.after(() => Object.assign(globalThis, { [name]: own }));
  }
  return clock;
}
