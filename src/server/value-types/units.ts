import { z } from 'zod';
import { milliseconds } from '../../hub/index.ts';

const DAY = 86_400_000;
/**
 * A hundred years. Beyond that, `now` plus a duration may not be a valid date, in milliseconds or in the claims of a
 * token. The clock supports every shorter time, even one that is too long for a single Node timer (24.8 days).
 */
const LONGEST = 36_500 * DAY;

/**
 * Milliseconds: a number, or a text such as '250ms', '30s', '5m', '12h', '7d'. `least` and `most` may be such texts
 * too.
 */
export function durationOf({ least = 0, most = LONGEST }: { least?: number | string; most?: number | string } = {}) {
  const bounds = `from ${named(least)} to ${named(most)}`;
  return z
    .union([z.number().nonnegative(), z.string()])
    .transform((value, context): number => {
      const refuse = (message: string) => {
        context.issues.push({ code: 'custom', input: value, message });
        return z.NEVER;
      };
      let duration: number;
      try {
        duration = milliseconds(value);
      } catch {
        return refuse("must be milliseconds, or a text like '30s' or '7d'");
      }
      const fits = duration >= milliseconds(least) && duration <= milliseconds(most);
      return fits ? duration : refuse(`must be ${bounds}`);
    })
    .meta({ allowed: "milliseconds, or a text like '30s' or '7d'" });
}

function named(duration: number | string): string {
  return duration === 0 ? '0' : duration === LONGEST ? `${LONGEST / DAY}d` : String(duration);
}

/** As `durationOf`, from 0 to a hundred years. */
export const duration = durationOf();

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/**
 * The largest size of one message: JavaScript's strings are limited to 512 MiB, and parts of a message are held twice.
 */
const LARGEST = '256MiB';

/** Bytes: a number, or a text such as '64KiB' or '1MiB'. `least` and `most` may be such texts too. */
export function bytesOf({ least = 0, most }: { least?: number | string; most?: number | string } = {}) {
  const [from, to] = [sizeOf(least)!, most === undefined ? Number.MAX_SAFE_INTEGER : sizeOf(most)!];
  const bounds = most === undefined ? `${least} or more, and a number that can be kept` : `from ${least} to ${most}`;
  return z
    .union([z.int().nonnegative(), z.string()])
    .transform((value, context): number => {
      const size = sizeOf(value);
      if (size !== undefined && size >= from && size <= to) return size;
      const message = size === undefined ? "must be bytes, or a text like '64KiB' or '1MiB'" : `must be ${bounds}`;
      context.issues.push({ code: 'custom', input: value, message });
      return z.NEVER;
    })
    .meta({ allowed: "bytes, or a text like '64KiB' or '1MiB'" });
}

function sizeOf(value: number | string): number | undefined {
  if (typeof value === 'number') return value;
  const [, count, unit] = /^(\d+)\s*(|B|KiB|MiB|GiB)$/.exec(value) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit!]!;
}

/** As `bytesOf`, from 0 to the largest safe integer. */
export const bytes = bytesOf();

/** Bytes of one message, body or frame: at least 1,000, so that every client's first message fits. */
export const messageSize = bytesOf({ least: 1_000, most: LARGEST });

/** Bytes of data: at least 1, the shortest JSON. */
export const dataSize = bytesOf({ least: 1, most: LARGEST });
