import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { toZocaloError } from './system-errors.ts';

export interface Deadline {
  clock: Clock;
  /** Milliseconds; 0 for no limit. */
  timeout: number;
  signal: AbortSignal | undefined;
  /** The address for the error message. */
  address: string;
}

/**
 * Waits for `work`, which must stop when the signal that it is given aborts.
 *
 * @throws {ZocaloError} TIMEOUT, ABORTED, or the error of `work`.
 */
export async function withDeadline<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeout, signal, address } = deadline;
  const late = new AbortController();
  const cancel = timeout > 0 ? clock.after(timeout, () => late.abort()) : undefined;
  try {
    return await work(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (signal?.aborted) throw abortedError(signal, address);
    if (late.signal.aborted) throw new ZocaloError('TIMEOUT', `${address} did not answer within ${timeout} ms`);
    throw toZocaloError(error, address);
  } finally {
    cancel?.();
  }
}

/**
 * The error for an aborted `signal`: TIMEOUT for `AbortSignal.timeout()`, else ABORTED with the signal's reason as its
 * cause.
 */
export function abortedError(signal: AbortSignal, address: string): ZocaloError {
  const { reason } = signal;
  const late = reason instanceof Error && reason.name === 'TimeoutError';
  return new ZocaloError(late ? 'TIMEOUT' : 'ABORTED', `the wait for ${address} was cancelled`, { cause: reason });
}
