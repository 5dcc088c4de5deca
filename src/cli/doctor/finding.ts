import { ZocaloError } from '../../errors.ts';

/** The result of a check, and how to fix a problem. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  /** What was checked: `port`, `certificate`. */
  readonly about: string;
  readonly sentence: string;
  /** What to do, unless it is ok. */
  readonly fix?: string;
  /** Whether the lines for the proxy's own configuration fix it. */
  readonly isProxys?: boolean;
}

export function ok(about: string, sentence: string): Finding {
  return { level: 'ok', about, sentence };
}

export function warning(about: string, sentence: string, fix: string): Finding {
  return { level: 'warning', about, sentence, fix };
}

export function problem(about: string, sentence: string, fix: string): Finding {
  return { level: 'problem', about, sentence, fix };
}

/** An error as a problem, with its advice. */
export function failure(about: string, error: unknown): Finding {
  return error instanceof ZocaloError
    ? problem(about, error.happened, error.advice)
    : { level: 'problem', about, sentence: happenedIn(error) };
}

/** The error's message without its advice. */
export function happenedIn(error: unknown): string {
  if (error instanceof ZocaloError) return error.happened;
  return error instanceof Error ? error.message : String(error);
}

/** A problem of the proxy's own configuration. */
export function proxyProblem(sentence: string, fix = 'see the lines for the proxy below'): Finding {
  return { level: 'problem', about: 'proxy', sentence, fix, isProxys: true };
}
