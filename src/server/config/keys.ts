import { z } from 'zod';
import { countOfForms, meantOption } from './forms.ts';
import { isContainer, type Path, valueAt } from './path.ts';
import { configSchema } from './schema.ts';
import { unwrap } from './unwrap.ts';

/** A key of the configuration, as the schema defines it. */
export interface Key {
  /** `*` stands for a name in a map, and `[]` for an entry of a list. */
  readonly path: readonly string[];
  readonly describe: string;
  /** As it is written in a file; undefined when there is none. */
  readonly default: unknown;
  /** What it may be, in words. */
  readonly allowed: string;
  /** Whether it contains other keys, which follow it in the list. */
  readonly isGroup: boolean;
  /** Whether the map around it must have it. */
  readonly required: boolean;
  /** Where a map has one of several forms: the names of all keys of this one's form. */
  readonly form: readonly string[] | undefined;
}

/** Every key, each group before what is in it, in the order of the schema. */
export function allKeys(): Key[] {
  return keysIn(configSchema, []);
}

function keysIn(schema: z.core.$ZodType, path: readonly string[], isForm = false): Key[] {
  const inner = unwrap(schema);
  // Described as a whole elsewhere: its keys are checked and explained, but not listed.
  if (fact(schema, 'whole') === true) return [];
  if (inner instanceof z.ZodArray) return keysIn(inner.element, [...path, '[]']);
  if (inner instanceof z.ZodRecord) return keysIn(inner.valueType, [...path, '*']);
  if (inner instanceof z.ZodUnion) {
    return inner.options.flatMap((option) => keysIn(option, path, countOfForms(inner) > 1));
  }
  if (!(inner instanceof z.ZodObject)) return [];
  const form = isForm ? Object.keys(inner.shape) : undefined;
  return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([name, value]) => {
    const below = keysIn(value, [...path, name]);
    return [{ path: [...path, name], isGroup: below.length > 0, form, ...factsOf(value) }, ...below];
  });
}

function factsOf(schema: z.core.$ZodType): Omit<Key, 'path' | 'isGroup' | 'form'> {
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

/** The schema at a path, if such a path can exist. `values`: the configuration, which tells the forms of a map apart. */
export function schemaAt(path: Path, values?: unknown): z.core.$ZodType | undefined {
  return schemasAt(path, values)[0];
}

/** One for each form of the maps around it, the most likely one first. */
export function schemasAt(
  path: Path,
  value?: unknown,
  schema: z.core.$ZodType = configSchema,
): readonly z.core.$ZodType[] {
  const [part, ...rest] = path;
  if (part === undefined) return [schema];
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) {
    const meant = inner.options[meantOption(inner, value) ?? -1];
    const others = inner.options.filter((option) => option !== meant);
    return (meant ? [meant, ...others] : others).flatMap((option) => schemasAt(path, value, option));
  }
  const below = isContainer(value) ? (value as Record<string | number, unknown>)[part] : undefined;
  if (inner instanceof z.ZodArray) return typeof part === 'number' ? schemasAt(rest, below, inner.element) : [];
  if (inner instanceof z.ZodRecord) return schemasAt(rest, below, inner.valueType);
  if (!(inner instanceof z.ZodObject) || !Object.hasOwn(inner.shape, part)) return [];
  return schemasAt(rest, below, inner.shape[part]);
}

/** The names of the keys that a map at this path may have; where it has one of several forms, of the one it seems to be. */
export function namesAt(path: Path, values?: unknown): string[] {
  const schema = schemaAt(path, values);
  return schema ? [...new Set(namesOf(schema, valueAt(values, path)))] : [];
}

function namesOf(schema: z.core.$ZodType, value: unknown): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) {
    const meant = inner.options[meantOption(inner, value) ?? -1];
    return meant ? namesOf(meant, value) : inner.options.flatMap((option) => namesOf(option, value));
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** Whether the value at a path must not be shown. */
export function isHidden(path: Path): boolean {
  const schema = schemaAt(path);
  return schema !== undefined && fact(schema, 'hidden') === true;
}

/** What is allowed, in words that fit after `must be`. */
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

export function oneOf(values: readonly string[]): string {
  return values.length > 2 ? `one of ${values.join(', ')}` : values.join(' or ');
}

function numberIn(schema: z.ZodNumber): string {
  const kind = schema.format === 'safeint' ? 'a whole number' : 'a number';
  return schema.minValue === 0 && !z.safeParse(schema, 0).success ? `${kind} above 0` : `${kind}, 0 or more`;
}

/** A member of the schema's metadata, or of the schema that it wraps. */
function fact(schema: z.core.$ZodType, name: 'allowed' | 'hidden' | 'whole'): unknown {
  const found = (z.globalRegistry.get(schema) as Record<string, unknown> | undefined)?.[name];
  if (found !== undefined) return found;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return fact(schema.unwrap(), name);
  return schema instanceof z.ZodPipe ? fact(schema.in, name) : undefined;
}

/**
 * The keys directly below a path, which is written with `[]` and `*`. `value`: what is there, of which a map with one of
 * several forms has only that form's keys.
 */
export function keysBelow(path: readonly string[], keys: readonly Key[], value?: unknown): Key[] {
  const below = keys.filter(
    (key) => key.path.length === path.length + 1 && path.every((part, index) => key.path[index] === part),
  );
  if (!isContainer(value)) return below;
  const matches = (form: Key['form']) => form?.filter((name) => Object.hasOwn(value, name)).length ?? 0;
  const most = Math.max(...below.map(({ form }) => matches(form)));
  const best = below.find(({ form }) => matches(form) === most)?.form;
  return below.filter(({ form }) => form === undefined || form === best);
}
