import { type Logger, pino } from 'pino';
import type { Config } from '../config/index.ts';

/** Fields first, then a sentence. */
export type Log = Logger;

export interface LogOptions {
  /** Texts that shall never be seen, wherever they stand: the secrets of the configuration. */
  readonly secrets?: readonly string[];
  /** Where the lines go. Default: standard error. */
  readonly write?: (line: string) => void;
}

/** Fields whose value nobody has to see. */
const SECRET_FIELDS = ['token', 'password', 'secret', 'key', 'cookie', 'authorization', 'ticket'];
const HIDDEN = '[hidden]';
/** What looks like a credential wherever it stands: a JWT, or what follows `Bearer` or `token=`. */
const CREDENTIAL = /eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=\b(?:Bearer |token=|access_token=))[^\s"&]+/gi;

/**
 * The daemon's log, on standard error: JSON, one line each, with an ISO 8601 time; on a terminal, text to read. It is
 * written at once, so that the last line before a crash is there.
 */
export async function createLog(
  { level, form }: Config['log'],
  { secrets = [], write }: LogOptions = {},
): Promise<Log> {
  const hide = (line: string) =>
    secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), line).replace(CREDENTIAL, HIDDEN);
  const readable = form === 'text' || (form === 'auto' && process.stderr.isTTY === true);
  const plain = write ? { write } : pino.destination({ fd: 2, sync: true });
  let destination: { write(line: string): void } = plain;
  if (readable) {
    // Only loaded where somebody reads it.
    const { prettyFactory } = await import('pino-pretty');
    const pretty = prettyFactory({ colorize: process.stderr.isTTY === true, ignore: 'pid,hostname' });
    destination = { write: (line) => void plain.write(pretty(line) ?? line) };
  }
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: HIDDEN },
      serializers: { err: describe },
      hooks: { streamWrite: hide },
    },
    destination,
  );
}

/** An error of ours by its code and sentence; of one that nobody foresaw, the stack too. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  const cause = error.cause instanceof Error ? { cause: describe(error.cause) } : {};
  return { ...(code === undefined ? { stack: error.stack } : { code }), message: error.message, ...cause };
}
