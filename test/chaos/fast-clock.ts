import { type Clock, systemClock } from '../../src/clock.ts';

/** The patience of clients and servers is made for people and long lines; here their clocks run so many times as fast. */
export const SPEED = 10;

/** A clock that runs `speed` times as fast. */
export function fastClock(speed: number): Clock {
  return {
    now: () => systemClock.now() * speed,
    after: (delay, action) => systemClock.after(delay / speed, action),
    every: (period, action) => systemClock.every(period / speed, action),
  };
}
