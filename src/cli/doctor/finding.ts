import { ZocaloError } from '../../errors.ts';

/** What the doctor saw, and how to mend it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  /** What was looked at: `port`, `certificate`. */
  readonly about: string;
  readonly sentence: string;
  /** What to do, for what is not ok. */
  readonly mend?: string;
  /** Whether the lines for the proxy's own configuration mend it. */
  readonly isProxys?: boolean;
}

export function ok(about: string, sentence: string): Finding {
  return { level: 'ok', about, sentence };
}

export function warning(about: string, sentence: string, mend: string): Finding {
  return { level: 'warning', about, sentence, mend };
}

export function problem(about: string, sentence: string, mend: string): Finding {
  return { level: 'problem', about, sentence, mend };
}

/** An error as a problem, with its advice as what to do. */
export function failure(about: string, error: unknown): Finding {
  return error instanceof ZocaloError
    ? problem(about, error.happened, error.advice)
    : { level: 'problem', about, sentence: happenedIn(error) };
}

/** What an error says without its advice. */
export function happenedIn(error: unknown): string {
  if (error instanceof ZocaloError) return error.happened;
  return error instanceof Error ? error.message : String(error);
}

/** A problem that the proxy's own configuration has. */
export function proxyProblem(sentence: string, mend = 'see the lines for the proxy below'): Finding {
  return { level: 'problem', about: 'proxy', sentence, mend, isProxys: true };
}
