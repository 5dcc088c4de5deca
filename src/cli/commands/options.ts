import { InvalidArgumentError, Option } from 'commander';
import { milliseconds } from '../../hub/index.ts';

/** How long a silence is taken for the end, in seconds on the command line and milliseconds in the program. */
export function waitOption(meaning: string): Option {
  return secondsOption('--wait <seconds>', meaning, 1);
}

export function secondsOption(flags: string, meaning: string, standard: number): Option {
  return new Option(flags, meaning).default(standard * 1000, String(standard)).argParser(parseSeconds);
}

function parseSeconds(text: string): number {
  const milliseconds = Number(text) * 1000;
  if (/^\d*\.?\d+$/.test(text) && milliseconds < 2 ** 31) return milliseconds;
  throw new InvalidArgumentError('It is a number of seconds, like 1 or 0.5.');
}

/** Milliseconds, from a text like `30s`. */
export function parseDuration(text: string): number {
  try {
    return milliseconds(text);
  } catch {
    throw new InvalidArgumentError('It is a duration, like 30s, 5m, 12h or 7d.');
  }
}
