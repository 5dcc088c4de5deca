import type { ZocaloError } from '../../errors.ts';

/** Nothing of that changes by waiting. */
const FINAL: ReadonlySet<string> = new Set(['LOG_DENIED', 'LOG_UNSUITABLE']);

/** Whether an error is one that waiting does not heal. */
export function isFinal(error: unknown): boolean {
  return FINAL.has((error as ZocaloError).code);
}

/** Resolves when one server of a cluster can be used. Rejects when none can, or one never will; `otherwise` if there is none. */
export async function firstTries(tries: readonly Promise<void>[], otherwise: () => ZocaloError): Promise<void> {
  const failures: unknown[] = [];
  for (const result of await Promise.allSettled(tries)) if (result.status === 'rejected') failures.push(result.reason);
  const final = failures.find(isFinal);
  if (final || failures.length === tries.length) throw final ?? failures[0] ?? otherwise();
}
