/** Time as a thing that is passed in, so that tests turn the hands themselves and never sleep. It runs in browsers too. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  now(): number;
  /** Calls `action` once, `delay` milliseconds from now, however long that is. The answer cancels it. */
  after(delay: number, action: () => void): () => void;
  /** Calls `action` every `period` milliseconds. The answer stops it. Does not keep the process alive. */
  every(period: number, action: () => void): () => void;
}

/** The longest delay that a timer of Node or a browser keeps: 2³¹ − 1 ms, 24.8 days. A longer one ends at once. */
export const LONGEST_TIMER = 0x7fffffff;

/** `setTimeout` for any delay: a longer one is waited for in parts. The answer cancels it. */
export function after(delay: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number) => {
    timer = left > LONGEST_TIMER ? setTimeout(wait, LONGEST_TIMER, left - LONGEST_TIMER) : setTimeout(action, left);
  };
  wait(delay);
  return () => clearTimeout(timer);
}

/** `setInterval` for any period: a longer one is waited for in equal parts. Node's process may end meanwhile. */
function every(period: number, action: () => void): () => void {
  const parts = Math.ceil(Math.min(period, Number.MAX_SAFE_INTEGER) / LONGEST_TIMER);
  let passed = 0;
  const count = () => {
    passed = (passed + 1) % parts;
    if (passed === 0) action();
  };
  const timer: unknown = setInterval(parts > 1 ? count : action, parts > 1 ? period / parts : period);
  // A browser's timer is a number, and holds nothing up.
  (timer as { unref?(): void }).unref?.();
  return () => clearInterval(timer as number);
}

export const systemClock: Clock = { now: () => performance.now(), after, every };
