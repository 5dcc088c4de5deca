import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { toZocaloError } from './system-errors.ts';

export interface Deadline {
  clock: Clock;
  /** Milliseconds; 0 waits for ever. */
  timeout: number;
  signal: AbortSignal | undefined;
  /** Whom the wait is for, as the error shall name it: an address. */
  address: string;
}

/**
 * Waits for `work`, which gives up when the signal that it is handed does.
 *
 * @throws {ZocaloError} TIMEOUT, ABORTED, or whatever `work` met.
 */
export async function withDeadline<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeout, signal, address } = deadline;
  const late = new AbortController();
  const cancel = timeout > 0 ? clock.after(timeout, () => late.abort()) : undefined;
  try {
    return await work(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (signal?.aborted) throw abortedError(signal, address);
    if (late.signal.aborted) throw new ZocaloError('TIMEOUT', `${address} gave no answer in ${timeout} ms`);
    throw toZocaloError(error, address);
  } finally {
    cancel?.();
  }
}

/** Why `signal` gave up: TIMEOUT for `AbortSignal.timeout()`, else ABORTED with the caller's reason as the cause. */
export function abortedError(signal: AbortSignal, address: string): ZocaloError {
  const { reason } = signal;
  const late = reason instanceof Error && reason.name === 'TimeoutError';
  return new ZocaloError(late ? 'TIMEOUT' : 'ABORTED', `the wait for ${address} was called off`, { cause: reason });
}
