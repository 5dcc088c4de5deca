import { ZocaloError } from '../errors.ts';
import { guard } from '../thenable.ts';

/** Reports a failure on the server's side to the hub's owner: `what` begins the message. */
export type Report = (what: string, cause: unknown) => void;

/** Reports to a function of the hub's owner, which may fail as well. */
export function reportTo(onError: (error: ZocaloError) => void): Report {
  return (what, cause) => {
    const text = cause instanceof Error ? cause.message : String(cause);
    const error =
      cause instanceof ZocaloError
        ? cause
        : new ZocaloError('HOOK_FAILED', `${what}: ${text}`, { advice: 'fix what failed', cause });
    guard(
      () => onError(error),
      (second) => console.error('onError failed:', second, 'while it handled:', error),
    );
  };
}
