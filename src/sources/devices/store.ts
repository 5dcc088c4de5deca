import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { mayRetry, ProtocolError } from '../../protocol/index.ts';
import { toZocaloError } from '../../stream/index.ts';
import type { Reading } from './interpreter.ts';
import type { Publish } from './options.ts';

/** Milliseconds: the first pause before a reading is handed over again, doubled up to the longest. */
const PAUSE = { first: 100, longest: 5_000 } as const;

export interface Attempt {
  readonly reading: Reading;
  readonly key: string;
}

export interface StoreOptions {
  readonly publish: Publish;
  readonly clock: Clock;
  /** A reading was not stored: it is tried again, or refused for good. */
  readonly onFailure: (error: ZocaloError, isFinal: boolean) => void;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/**
 * Hands readings over in their order, all at once, and those that fail again one after another: until all are stored,
 * or refused for good. The answer says of each whether it was stored.
 * @throws the signal's reason.
 */
export async function store(attempts: readonly Attempt[], options: StoreOptions): Promise<boolean[]> {
  const outcomes = attempts.map((attempt) => tryOnce(attempt, options.publish));
  const stored: boolean[] = [];
  // Once the log has taken one of those that had failed, the next needs no pause.
  let isTaking = false;
  for (const [index, outcome] of outcomes.entries()) {
    let error = await outcome;
    for (let pause: number = PAUSE.first; error !== undefined; pause = Math.min(2 * pause, PAUSE.longest)) {
      const isFinal = isRefusal(error);
      options.onFailure(asZocaloError(error, isFinal), isFinal);
      if (isFinal) break;
      // The ones behind it have been handed over already, and are waited for before anything is tried again.
      await Promise.all(outcomes);
      if (!isTaking) await passed(pause, options);
      error = await tryOnce(attempts[index]!, options.publish);
      isTaking = error === undefined;
    }
    stored.push(error === undefined);
  }
  return stored;
}

/** The error, if it failed. */
async function tryOnce({ reading, key }: Attempt, publish: Publish): Promise<unknown> {
  try {
    await publish(reading.channel, reading.data, { key, ...(reading.time !== undefined && { time: reading.time }) });
    return;
  } catch (error) {
    return error ?? new Error('it was rejected without a reason');
  }
}

/** Whether it is of no use to try the same again. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ProtocolError) return !mayRetry(error.code);
  return error instanceof ZocaloError && error.code === 'KEY_REUSED';
}

function asZocaloError(error: unknown, isFinal: boolean): ZocaloError {
  if (!(error instanceof ProtocolError)) return toZocaloError(error, 'the log');
  const happened = `a reading was not taken: ${error.code}, ${error.message}`;
  return new ZocaloError(isFinal ? 'READING_REFUSED' : 'LOG_BUSY', happened, { cause: error });
}

function passed(pause: number, { clock, signal }: StoreOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(pause, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
