import type { Clock } from '../../clock.ts';

/**
 * A clock on which no action can end the process: what one throws is told to `onError`, which must not throw. One that
 * comes every so often comes again.
 */
export function guardedClock(clock: Clock, onError: (error: unknown) => void): Clock {
  const guarded = (action: () => void) => () => {
    try {
      action();
    } catch (error) {
      onError(error);
    }
  };
  return {
    now: () => clock.now(),
    after: (delay, action) => clock.after(delay, guarded(action)),
    every: (period, action) => clock.every(period, guarded(action)),
  };
}
