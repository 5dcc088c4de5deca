import { InvalidArgumentError, Option } from 'commander';
import { milliseconds } from '../../hub/index.ts';

/** How long a silence counts as the end, in seconds on the command line and milliseconds in the program. */
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

/** The address of a daemon as `http://host:port`; `ws://` and `wss://` are accepted too. */
export function parseDaemonUrl(text: string): string {
  const url = URL.parse(text.replace(/^ws(s?):/i, 'http$1:'));
  if (url && /^https?:$/.test(url.protocol) && url.host !== '') return url.origin;
  throw new InvalidArgumentError('It is an address like http://localhost:9000 or https://chat.example.org.');
}

/** The PEM text of a file with certificates of authorities to trust. */
export function caOption(): Option {
  return new Option('--ca <file>', 'certificates of authorities to trust, in PEM form, beside the well-known ones');
}
