import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';

/** What to do when a store is away when it is opened. */
export interface Waiting {
  /** Called with each new reason, and with nothing when the store is there after all. */
  readonly onWait: (reason: ZocaloError | undefined) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds between two tries. */
const PAUSE = 1_000;

/**
 * Tries until the store is there. Rejects at once for what waiting does not heal: a wrong password, a server that is too
 * old, a replica; and with ABORTED.
 */
export async function untilThere(
  connect: () => Promise<void>,
  { onWait, signal }: Waiting,
  clock: Clock,
): Promise<void> {
  let reason: string | undefined;
  for (;;) {
    if (signal?.aborted) throw aborted();
    try {
      await connect();
      if (reason !== undefined) onWait(undefined);
      return;
    } catch (error) {
      if (!(error instanceof ZocaloError && error.code === 'LOG_UNREACHABLE')) throw error;
      if (error.message !== reason) onWait(error);
      reason = error.message;
    }
    await pause(clock, signal);
  }
}

function pause(clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(PAUSE, end);
    signal?.addEventListener('abort', end);
  });
}

const aborted = () => new ZocaloError('ABORTED', 'the store was away until the end');
