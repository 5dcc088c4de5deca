/** A clock that is passed in, so that tests control the time and never sleep. It works in browsers too. */
export interface Clock {
  /** Milliseconds on a monotonic clock; only differences are meaningful. */
  now(): number;
  /** Calls `action` once after `delay` milliseconds, of any length. Returns a function that cancels it. */
  after(delay: number, action: () => void): () => void;
  /** Calls `action` every `period` milliseconds. Returns a function that stops it. Does not keep the process alive. */
  every(period: number, action: () => void): () => void;
}

/** The longest delay that a timer of Node or a browser supports: 2³¹ − 1 ms, 24.8 days. A longer one fires at once. */
export const LONGEST_TIMER = 0x7fffffff;

/** `setTimeout` for any delay; longer ones are waited for in parts. Returns a function that cancels it. */
export function after(delay: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number) => {
    timer = left > LONGEST_TIMER ? setTimeout(wait, LONGEST_TIMER, left - LONGEST_TIMER) : setTimeout(action, left);
  };
  wait(delay);
  return () => clearTimeout(timer);
}

/** `setInterval` for any period; longer ones are waited for in equal parts. It does not keep Node's process alive. */
function every(period: number, action: () => void): () => void {
  const parts = Math.ceil(Math.min(period, Number.MAX_SAFE_INTEGER) / LONGEST_TIMER);
  let passed = 0;
  const count = () => {
    passed = (passed + 1) % parts;
    if (passed === 0) action();
  };
  const timer: unknown = setInterval(parts > 1 ? count : action, parts > 1 ? period / parts : period);
  // In a browser a timer is a number, and cannot keep a process alive.
  (timer as { unref?(): void }).unref?.();
  return () => clearInterval(timer as number);
}

export const systemClock: Clock = { now: () => performance.now(), after, every };
