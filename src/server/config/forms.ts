import { z } from 'zod';
import { isContainer } from './path.ts';
import { unwrap } from './unwrap.ts';

/**
 * Which option of a union a map was most likely meant for: the one that has most of its keys, and first of all the one
 * whose fixed values it has. Undefined for what is no map, or has a key of none of them.
 */
export function meantOption(union: z.core.$ZodType, value: unknown): number | undefined {
  if (!(union instanceof z.ZodUnion) || !isContainer(value) || Array.isArray(value)) return undefined;
  const scores = union.options.map((option) => score(option, value as Readonly<Record<string, unknown>>));
  const best = Math.max(...scores);
  return best > 0 ? scores.indexOf(best) : undefined;
}

/** How many maps a union may be. */
export function countOfForms(schema: z.core.$ZodType): number {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return inner.options.map(countOfForms).reduce((sum, count) => sum + count, 0);
  return inner instanceof z.ZodObject ? 1 : 0;
}

function score(schema: z.core.$ZodType, value: Readonly<Record<string, unknown>>): number {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return Math.max(...inner.options.map((option) => score(option, value)));
  if (!(inner instanceof z.ZodObject)) return 0;
  const { shape } = inner;
  const known = Object.keys(value).filter((name) => Object.hasOwn(shape, name));
  const fixed = known.filter(
    (name) => shape[name] instanceof z.ZodLiteral && z.safeParse(shape[name], value[name]).success,
  );
  return known.length + 100 * fixed.length;
}
