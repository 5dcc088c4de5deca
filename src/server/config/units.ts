import { z } from 'zod';
import { milliseconds } from '../../hub/index.ts';

/** Milliseconds: a number, or a text such as '250ms', '30s', '5m', '12h', '7d'. */
export const duration = z
  .union([z.number().nonnegative(), z.string()])
  .transform((value, context): number => {
    try {
      return milliseconds(value);
    } catch {
      context.issues.push({
        code: 'custom',
        input: value,
        message: "must be milliseconds, or a text like '30s' or '7d'",
      });
      return z.NEVER;
    }
  })
  .meta({ allowed: "milliseconds, or a text like '30s' or '7d'" });

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes: a number, or a text such as '64KiB' or '1MiB'. */
export const bytes = z
  .union([z.int().nonnegative(), z.string()])
  .transform((value, context): number => {
    if (typeof value === 'number') return value;
    const [, count, unit] = /^(\d+)\s*(|B|KiB|MiB|GiB)$/.exec(value) ?? [];
    if (count !== undefined) return Number(count) * UNITS[unit!]!;
    context.issues.push({ code: 'custom', input: value, message: "must be bytes, or a text like '64KiB' or '1MiB'" });
    return z.NEVER;
  })
  .meta({ allowed: "bytes, or a text like '64KiB' or '1MiB'" });
