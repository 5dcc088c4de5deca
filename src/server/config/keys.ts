import { z } from 'zod';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';

/** A key of the configuration, as the schema has it. */
export interface Key {
  /** `*` stands for a name in a map, and `[]` for a place in a list. */
  readonly path: readonly string[];
  readonly describe: string;
  /** As one would write it in a file; undefined for none. */
  readonly default: unknown;
  /** What it may be, in words. */
  readonly allowed: string;
  /** Whether it is a map of other keys, which follow it in the list. */
  readonly isGroup: boolean;
  /** Whether everything around it needs it. */
  readonly required: boolean;
}

/** Every key, each group before what is in it, in the order of the schema. */
export function allKeys(): Key[] {
  return keysIn(configSchema, []);
}

function keysIn(schema: z.core.$ZodType, path: readonly string[]): Key[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return keysIn(inner.element, [...path, '[]']);
  if (inner instanceof z.ZodRecord) return keysIn(inner.valueType, [...path, '*']);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => keysIn(option, path));
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([name, value]) => {
    const below = keysIn(value, [...path, name]);
    return [{ path: [...path, name], isGroup: below.length > 0, ...factsOf(value) }, ...below];
  });
}

function factsOf(schema: z.core.$ZodType): Omit<Key, 'path' | 'isGroup'> {
  return {
    describe: z.globalRegistry.get(schema)?.description ?? '',
    default: defaultOf(schema),
    allowed: allowedBy(schema),
    required: !z.safeParse(schema, undefined).success,
  };
}

function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue;
  return schema instanceof z.ZodOptional ? defaultOf(schema.unwrap()) : undefined;
}

/** Without what only says that a key may be left out, or what is made of its value. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.unwrap());
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema;
}

/** The schema of what stands at a path, if there can be such a thing. */
export function schemaAt(path: Path, schema: z.core.$ZodType = configSchema): z.core.$ZodType | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return schema;
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return typeof part === 'number' ? schemaAt(rest, inner.element) : undefined;
  if (inner instanceof z.ZodRecord) return schemaAt(rest, inner.valueType);
  if (inner instanceof z.ZodUnion)
    return inner.options.map((option) => schemaAt(path, option)).find((found) => found !== undefined);
  const below = inner instanceof z.ZodObject && Object.hasOwn(inner.shape, part) ? inner.shape[part] : undefined;
  return below && schemaAt(rest, below);
}

/** The names that may stand at a path, when a map stands there. */
export function namesAt(path: Path): string[] {
  const schema = schemaAt(path);
  return schema ? namesOf(unwrap(schema)) : [];
}

function namesOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => namesOf(unwrap(option)));
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Whether the value at a path must not be shown. */
export function isHidden(path: Path): boolean {
  const schema = schemaAt(path);
  return schema !== undefined && fact(schema, 'hidden') === true;
}

/** What may stand there, in words that fit after `must be`. */
export function allowedBy(schema: z.core.$ZodType): string {
  const said = fact(schema, 'allowed');
  if (typeof said === 'string') return said;
  const inner = unwrap(schema);
  if (inner instanceof z.ZodEnum) return oneOf(inner.options.map(String));
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String).join(' or ');
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodNumber) return numberIn(inner);
  if (inner instanceof z.ZodArray) return listOf(allowedBy(inner.element));
  if (inner instanceof z.ZodRecord) return 'a map of names';
  if (inner instanceof z.ZodObject) return `a map with ${Object.keys(inner.shape).join(', ')}`;
  if (inner instanceof z.ZodUnion) return inner.options.map((option) => allowedBy(option)).join(', or ');
  return inner instanceof z.ZodURL ? 'a URL like https://example.org/path' : 'a text';
}

function listOf(allowed: string): string {
  const [, each] = /^(?:a |one of )(maps?\b.*|text$|\w+(?:, \w+)+)$/.exec(allowed) ?? [];
  return each ? `a list of ${each.replace(/^(map|text)\b/, '$1s')}` : `a list in which each is ${allowed}`;
}

function oneOf(values: string[]): string {
  return values.length > 2 ? `one of ${values.join(', ')}` : values.join(' or ');
}

function numberIn(schema: z.ZodNumber): string {
  const kind = schema.format === 'safeint' ? 'a whole number' : 'a number';
  return schema.minValue === 0 && !z.safeParse(schema, 0).success ? `${kind} above 0` : `${kind}, 0 or more`;
}

/** A word beside the schema, on it or on what it wraps: `allowed`, or `hidden`. */
function fact(schema: z.core.$ZodType, name: 'allowed' | 'hidden'): unknown {
  const found = (z.globalRegistry.get(schema) as Record<string, unknown> | undefined)?.[name];
  if (found !== undefined) return found;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return fact(schema.unwrap(), name);
  return schema instanceof z.ZodPipe ? fact(schema.in, name) : undefined;
}

/** The keys right below a path as keys have it, with `[]` and `*`. */
export function keysBelow(path: readonly string[], keys: readonly Key[]): Key[] {
  return keys.filter(
    (key) => key.path.length === path.length + 1 && path.every((part, index) => key.path[index] === part),
  );
}
