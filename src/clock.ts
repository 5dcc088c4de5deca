/** Time as a thing that is passed in, so that tests turn the hands themselves and never sleep. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  now(): number;
  /** Calls `action` once, `delay` milliseconds from now. The answer cancels it. */
  after(delay: number, action: () => void): () => void;
  /** Calls `action` every `period` milliseconds. The answer stops it. Does not keep the process alive. */
  every(period: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delay, action) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
  every(period, action) {
    const timer = setInterval(action, period);
    timer.unref();
    return () => clearInterval(timer);
  },
};
