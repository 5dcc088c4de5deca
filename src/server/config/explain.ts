import type { z } from 'zod';
import { nearest } from '../nearest.ts';
import { allKeys, allowedBy, isHidden, namesAt, schemaAt } from './keys.ts';
import { formatPath, isContainer, type Path, valueAt } from './path.ts';

/** What is wrong, and with which key. */
export interface Problem {
  readonly path: Path;
  /** After the key: `must be …`. */
  readonly sentence: string;
}

/** The schema's findings, as sentences that name the nearest right key and what is allowed. */
export function explain(issues: readonly z.core.$ZodIssue[], values: unknown): Problem[] {
  const problems = issues.flatMap((issue) => explainOne(issue, values));
  const first = new Map(problems.toReversed().map((problem) => [formatPath(problem.path), problem]));
  return problems.filter((problem) => first.get(formatPath(problem.path)) === problem); // one of each key is enough
}

function explainOne(issue: z.core.$ZodIssue, values: unknown): Problem[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey(path, name));
  if (issue.code === 'invalid_key') return [{ path, sentence: issue.issues[0]?.message ?? issue.message }];
  if (issue.code === 'invalid_union') {
    const below = branch(issue, valueAt(values, path));
    if (below)
      return explain(
        below.map((inner) => ({ ...inner, path: [...path, ...inner.path] })),
        values,
      );
  }
  const ours = /^(must|is) /.test(issue.message);
  return [{ path, sentence: ours ? issue.message : mustBe(path, valueAt(values, path)) }];
}

/** What the branch of a union says that was meant: the one for a map or a list, when there is a map or a list. */
function branch({ errors }: z.core.$ZodIssueInvalidUnion, value: unknown): z.core.$ZodIssue[] | undefined {
  const meant = (issues: z.core.$ZodIssue[]) =>
    issues.every(({ path, code, message }) => {
      return path.length > 0 || code === 'unrecognized_keys' || /^must /.test(message);
    });
  return isContainer(value) || typeof value === 'string' ? errors.find(meant) : undefined;
}

function mustBe(path: Path, value: unknown): string {
  const schema = schemaAt(path);
  const allowed = schema ? allowedBy(schema) : 'something else';
  if (value === undefined) return `is missing, and must be ${allowed}`;
  if (isHidden(path)) return `must be ${allowed}`;
  const meant = typeof value === 'string' && nearest(value, allowed.split(/[^\w-]+/));
  return `must be ${allowed}, not ${brief(value)}${meant && meant !== value ? `; did you mean ${meant}?` : ''}`;
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isContainer(value) ? 'a map' : JSON.stringify(value);
}

function unknownKey(path: Path, name: string): Problem {
  const names = namesAt(path);
  const around = formatPath(path);
  const near = nearest(name, names) ?? '';
  const meant = near ? formatPath([...path, near]) : elsewhere(name);
  const choice = `${around || 'the configuration'} has ${names.join(', ')}`;
  return { path: [...path, name], sentence: `is no key; ${meant ? `did you mean ${meant}? ` : ''}${choice}` };
}

/** The same name in another group. */
function elsewhere(name: string): string | undefined {
  const found = allKeys().find(({ path }) => path.at(-1) === name && !path.includes('[]') && !path.includes('*'));
  return found && formatPath(found.path);
}
