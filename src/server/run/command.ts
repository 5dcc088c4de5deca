import { CLOSE, mayBeSent, shortReason } from '../../websocket/index.ts';

/** What a program may say, as it is written: `[verb, …]`. */
export type Receivers = number | readonly number[] | '*';

export interface ReadyOptions {
  /** Where to listen, unless `--listen` says it. */
  readonly listen?: string;
  /** It answers with `done`, and what it says before takes effect together. */
  readonly acknowledges?: boolean;
  /** It reads all that is there, handles it, and answers once; several messages may come in one line. */
  readonly turns?: boolean;
  /** It is asked who may connect. */
  readonly checks?: boolean;
  /** The pages that may connect, unless `--origins` says it. */
  readonly origins?: string | readonly string[];
  /** Subprotocols. */
  readonly protocols?: readonly string[];
  /** The files that it consists of. */
  readonly files?: readonly string[];
}

export type Command =
  | { readonly verb: 'ready'; readonly options: ReadyOptions }
  | { readonly verb: 'send'; readonly pairs: readonly unknown[] }
  | { readonly verb: 'sendBinary'; readonly to: Receivers; readonly bytes: Buffer }
  | { readonly verb: 'close'; readonly number: number; readonly code: number; readonly reason: string }
  | { readonly verb: 'accept'; readonly number: number; readonly protocol: string | undefined }
  | { readonly verb: 'refuse'; readonly number: number; readonly status: number }
  | { readonly verb: 'done'; readonly count: number }
  | { readonly verb: 'flush' };

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
const isCount = (value: unknown): value is number => isNumber(value) && value >= 0;
const isReceivers = (value: unknown): value is Receivers =>
  isNumber(value) || value === '*' || (Array.isArray(value) && value.every(isNumber));
const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What each option of `ready` must be. */
const READY: Readonly<Record<keyof ReadyOptions, (value: unknown) => boolean>> = {
  listen: isText,
  acknowledges: isFlag,
  turns: isFlag,
  checks: isFlag,
  origins: (value) => isText(value) || isTexts(value),
  protocols: isTexts,
  files: isTexts,
};

/** Reads a line of a program. Returns the command, or a sentence that says what is wrong. */
export function readCommand(line: string): Command | string {
  let words: unknown;
  try {
    words = JSON.parse(line);
  } catch {
    return 'it is not JSON';
  }
  if (!Array.isArray(words)) return 'it is not an array';
  const [verb, first, second, third] = words as unknown[];
  switch (verb) {
    case 'send':
      return isSend(words) ? { verb, pairs: words } : 'send needs receivers and a text, or several of both in turn';
    case 'done':
      return isCount(first) ? { verb, count: first } : 'done needs a number';
    case 'flush':
      return { verb };
    case 'close':
      if (!isNumber(first)) return 'close needs the number of a connection';
      if (second !== undefined && !(isNumber(second) && mayBeSent(second)))
        return 'close has a code that cannot be sent';
      return { verb, number: first, code: second ?? CLOSE.NORMAL, reason: isText(third) ? shortReason(third) : '' };
    case 'sendBinary':
      if (!isReceivers(first) || typeof second !== 'string') return 'sendBinary needs receivers, and bytes in base64';
      return { verb, to: first, bytes: Buffer.from(second, 'base64') };
    case 'accept': {
      if (!isNumber(first)) return 'accept needs the number of a connection';
      const { protocol } = isObject(second) ? second : {};
      return { verb, number: first, protocol: typeof protocol === 'string' ? protocol : undefined };
    }
    case 'refuse':
      if (!isNumber(first)) return 'refuse needs the number of a connection';
      return { verb, number: first, status: isNumber(second) && second >= 400 && second <= 599 ? second : 403 };
    case 'ready':
      return isObject(second) ? readReady(second) : 'ready needs 0 and an object';
    default:
      return 'its verb is unknown';
  }
}

/** An option that is null, as some languages write what is not there, is as one that is missing. */
function readReady(given: Record<string, unknown>): Command | string {
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  for (const [name, isRight] of Object.entries(READY))
    if (options[name] !== undefined && !isRight(options[name])) return `ready has the wrong type for ${name}`;
  return { verb: 'ready', options };
}

/** `["send", receivers, text, receivers, text, …]` */
function isSend(words: readonly unknown[]): boolean {
  if (words.length < 3 || words.length % 2 === 0) return false;
  for (let i = 1; i < words.length; i += 2)
    if (typeof words[i + 1] !== 'string' || !isReceivers(words[i])) return false;
  return true;
}
