import { ZocaloError } from '../errors.ts';
import { guard } from '../thenable.ts';
import type { Hooks } from './hooks.ts';
import type { User } from './user.ts';

/** Reports a failed hook, and the user for whom it failed, to `onError`. */
export function reportFailed(hooks: Pick<Hooks, 'onError'>, hook: string, cause: unknown, user?: User): void {
  const text = cause instanceof Error ? cause.message : String(cause);
  const error = user
    ? new ZocaloError('HOOK_FAILED', `${hook} failed for ${user.id}: ${text}`, { cause })
    : new ZocaloError('HOOK_FAILED', `${hook} failed: ${text}`, { advice: 'fix the hook', cause });
  report(hooks, error, user);
}

/** Passes an error to `onError`. If `onError` fails itself, both errors go to the terminal. */
export function report(hooks: Pick<Hooks, 'onError'>, error: ZocaloError, user?: User): void {
  guard(
    () => (user ? hooks.onError(error, user) : hooks.onError(error)),
    (second) => console.error('onError failed:', second, 'while it handled:', error),
  );
}
