import type { Clock } from '../../clock.ts';

/**
 * A clock whose actions cannot end the process: an error thrown by one is passed to `onError`, which must not throw. A
 * repeated action is still repeated.
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
