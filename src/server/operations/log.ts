import type { Logger } from 'pino';
import type { Config } from '../config/index.ts';
import { hideCredentials, hideSecrets } from './secrets.ts';
import { writeAtOnce } from './write-at-once.ts';

/** Where the daemon's parts write what happened: fields first, then a sentence, as pino has it. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

type Level = Config['log']['level'];

export interface LogOptions {
  /** Texts that shall never be seen, wherever they stand: the secrets of the configuration. Those of a reload may follow. */
  readonly secrets?: Iterable<string>;
  /** Takes a line with its end, and has written it when it returns. Default: to standard error. */
  readonly write?: (line: string) => void;
  /** Whether a person reads it as it comes. Default: whether standard error is a terminal. */
  readonly isTerminal?: boolean;
}

/** The daemon's own log, whose level a reload can change. */
export class LevelLog implements Log {
  readonly #load: () => Promise<Logger>;
  #logger: Logger | undefined;

  constructor(load: () => Promise<Logger>) {
    this.#load = load;
  }

  /** Nothing is loaded for a log that stays silent. */
  async setLevel(level: Level): Promise<void> {
    if (level !== 'silent') this.#logger ??= await this.#load();
    if (this.#logger) this.#logger.level = level;
  }

  debug(fields: object, sentence: string): void {
    this.#logger?.debug(fields, sentence);
  }

  info(fields: object, sentence: string): void {
    this.#logger?.info(fields, sentence);
  }

  warn(fields: object, sentence: string): void {
    this.#logger?.warn(fields, sentence);
  }

  error(fields: object, sentence: string): void {
    this.#logger?.error(fields, sentence);
  }
}

/**
 * A log of JSON lines, or of text for a person. Each line is written before the call returns, so that the last one
 * before a crash is there. Secrets are hidden, wherever they stand.
 */
export async function createLog({ level, form }: Config['log'], options: LogOptions = {}): Promise<LevelLog> {
  const { secrets = [], write = writeAtOnce(2), isTerminal = process.stderr.isTTY === true } = options;
  const isText = form === 'text' || (form === 'auto' && isTerminal);
  const log = new LevelLog(async () => {
    const { pino } = await import('pino');
    const readable = isText ? await readableForm(isTerminal) : (line: string) => line;
    return pino(
      {
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }), log: hideSecrets },
        serializers: { err: (error) => error }, // it is described already
        hooks: { streamWrite: (line) => hideCredentials(line, secrets) },
      },
      { write: (line: string) => write(readable(line)) },
    );
  });
  await log.setLevel(level);
  return log;
}

async function readableForm(colorize: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l' }) as (line: string) => string;
}
