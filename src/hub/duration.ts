import { ZocaloError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Whole milliseconds: a number, or a text such as '250ms', '30s', '5m', '12h', '7d'.
 * @throws ZocaloError BAD_OPTION.
 */
export function milliseconds(duration: number | string): number {
  if (typeof duration === 'number' && duration >= 0) return Math.round(duration);
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  if (count === undefined || unit === undefined)
    throw new ZocaloError('BAD_OPTION', `${JSON.stringify(duration)} is not a duration`, {
      advice: "write milliseconds as a number, or a text like '30s' or '7d'",
    });
  return Math.round(Number(count) * UNITS[unit]!);
}
