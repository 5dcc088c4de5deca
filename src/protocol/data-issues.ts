import type { SchemaIssue } from './contract.ts';

/** One thing that does not fit a schema. */
export interface DataIssue {
  /** Where: the names of members and the indices of items, from the outside in. Empty: the data itself. */
  readonly path: readonly (string | number)[];
  /** A sentence of the schema's library. */
  readonly message: string;
  /** What should be there, such as `string`, if the library says it. */
  readonly expected?: string;
}

/** The `details` of an error with BAD_DATA: at most ten issues. */
export interface DataIssues {
  readonly issues: readonly DataIssue[];
}

/** Issues that are told: a list of a thousand items may be wrong in each. */
const MOST = 10;
/** Characters of a sentence, and of a name in a path, which is whatever the client has sent. */
const SENTENCE = 500;
const NAME = 100;
/** Names in a path: nothing is nested deeper. */
const DEPTH = 64;

/** What a client is told of a schema's issues. */
export function dataIssues(issues: readonly SchemaIssue[]): DataIssues {
  return { issues: issues.slice(0, MOST).map(told) };
}

function told(issue: SchemaIssue): DataIssue {
  const { message, path = [], expected } = issue as SchemaIssue & { readonly expected?: unknown };
  const keys = path.slice(0, DEPTH).map((part) => (typeof part === 'object' ? part.key : part));
  return {
    path: keys.map((key) => (typeof key === 'number' ? key : String(key).slice(0, NAME))),
    message: message.slice(0, SENTENCE),
    // zod, valibot and ArkType have it, beyond what Standard Schema asks for.
    ...(typeof expected === 'string' && { expected: expected.slice(0, NAME) }),
  };
}

/** @example `people.0.name: expected string` */
export function sentenceOf({ path, message }: DataIssue): string {
  return path.length > 0 ? `${path.join('.')}: ${message}` : message;
}
