import { ZocaloError } from '../errors.ts';
import { guard } from '../thenable.ts';
import type { Hooks } from './hooks.ts';
import type { User } from './user.ts';

/** Tells the program that its hook failed, and for whom. */
export function reportFailed(hooks: Pick<Hooks, 'onError'>, hook: string, cause: unknown, user?: User): void {
  const text = cause instanceof Error ? cause.message : String(cause);
  const error = user
    ? new ZocaloError('HOOK_FAILED', `${hook} failed for ${user.id}: ${text}`, { cause })
    : new ZocaloError('HOOK_FAILED', `${hook} failed: ${text}`, { advice: 'mend the hook', cause });
  report(hooks, error, user);
}

/** Tells the program of an error; an `onError` that fails itself cannot be told to anybody but the terminal. */
export function report(hooks: Pick<Hooks, 'onError'>, error: ZocaloError, user?: User): void {
  guard(
    () => (user ? hooks.onError(error, user) : hooks.onError(error)),
    (second) => console.error('onError failed:', second, 'while it was told of:', error),
  );
}
