import { z } from 'zod';
import { nearest } from '../../nearest.ts';
import { countOfForms, meantOption } from './forms.ts';
import { allKeys, allowedBy, isHidden, namesAt, oneOf, schemaAt, schemasAt } from './keys.ts';
import { formatPath, isContainer, type Path, valueAt } from './path.ts';
import { unwrap } from './unwrap.ts';

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
  return problems.filter((problem) => first.get(formatPath(problem.path)) === problem); // one problem per key is enough
}

function explainOne(issue: z.core.$ZodIssue, values: unknown): Problem[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey(path, name, values));
  if (issue.code === 'invalid_key') return [{ path, sentence: issue.issues[0]?.message ?? issue.message }];
  if (issue.code === 'invalid_union') {
    const below = branch(issue, schemaAt(path, values), valueAt(values, path));
    if (below)
      return explain(
        below.map((inner) => ({ ...inner, path: [...path, ...inner.path] })),
        values,
      );
  }
  const ours = /^(must|is) /.test(issue.message);
  return [{ path, sentence: ours ? issue.message : mustBe(path, values) }];
}

/** The issues of the union's branch that was most likely meant: the one for a map when there is a map, for example. */
function branch(
  { errors }: z.core.$ZodIssueInvalidUnion,
  schema: z.core.$ZodType | undefined,
  value: unknown,
): z.core.$ZodIssue[] | undefined {
  const union = schema && unwrap(schema);
  const form = union && errors[meantOption(union, value) ?? -1];
  if (form) return form;
  if (union && countOfForms(union) > 1 && isContainer(value) && !Array.isArray(value)) {
    // A map of none of the forms: what each of them misses is of no use.
    const unknown = errors.flat().find(({ code, path }) => code === 'unrecognized_keys' && path.length === 0);
    return unknown && [unknown];
  }
  const meant = (issues: z.core.$ZodIssue[]) =>
    issues.every(({ path, code, message }) => {
      return path.length > 0 || code === 'unrecognized_keys' || /^must /.test(message);
    });
  return isContainer(value) || typeof value === 'string' ? errors.find(meant) : undefined;
}

function mustBe(path: Path, values: unknown): string {
  const value = valueAt(values, path);
  const schemas = schemasAt(path, values);
  // What tells the forms of a map apart may be any form's.
  const choices = schemas.every((schema) => schema instanceof z.ZodLiteral) ? schemas : schemas.slice(0, 1);
  const allowed = schemas.length > 0 ? oneOf([...new Set(choices.map(allowedBy))]) : 'something else';
  if (value === undefined) return `is missing, and must be ${allowed}`;
  if (isHidden(path)) return `must be ${allowed}`;
  const meant = typeof value === 'string' && nearest(value, allowed.split(/[^\w-]+/));
  return `must be ${allowed}, not ${brief(value)}${meant && meant !== value ? `; did you mean ${meant}?` : ''}`;
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (!isContainer(value)) return JSON.stringify(value);
  return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
}

/** Keys that were replaced: what to write now. */
const REPLACED: Readonly<Record<string, string>> = {
  'auth.hook':
    'is now a handler: write handlers: { login: { events: [connect], url: https://… } }, with the url, headers and timeout from here',
  lines:
    'is now a source: write sources: { lines: { lines: tcp://…, channel: … } }, with the address and the channel from here; visitors need no right to its channel any more',
};

function unknownKey(path: Path, name: string, values: unknown): Problem {
  const now = REPLACED[formatPath([...path, name])];
  if (now !== undefined) return { path: [...path, name], sentence: now };
  const names = namesAt(path, values);
  const around = formatPath(path);
  const near = nearest(name, names) ?? '';
  const meant = near ? formatPath([...path, near]) : elsewhere(name);
  const choice = `${around || 'the configuration'} has ${names.join(', ')}`;
  return { path: [...path, name], sentence: `is not a key; ${meant ? `did you mean ${meant}? ` : ''}${choice}` };
}

/** The same name in another group. */
function elsewhere(name: string): string | undefined {
  const found = allKeys().find(({ path }) => path.at(-1) === name && !path.includes('[]') && !path.includes('*'));
  return found && formatPath(found.path);
}
