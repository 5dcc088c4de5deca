import { createRequire } from 'node:module';
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
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** At once, unlike `import()`: a line is written when the call returns. */
const load = createRequire(import.meta.url) as <Package>(name: string) => Package;

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
  readonly #load: () => Logger;
  #level: Level;
  #logger: Logger | undefined;

  constructor(level: Level, load: () => Logger) {
    this.#level = level;
    this.#load = load;
  }

  setLevel(level: Level): void {
    this.#level = level;
  }

  debug(fields: object, sentence: string): void {
    this.#write('debug', fields, sentence);
  }

  info(fields: object, sentence: string): void {
    this.#write('info', fields, sentence);
  }

  warn(fields: object, sentence: string): void {
    this.#write('warn', fields, sentence);
  }

  error(fields: object, sentence: string): void {
    this.#write('error', fields, sentence);
  }

  /** The first line loads pino, which is 7 MB that a daemon without anything to say does not need. */
  #write(level: Exclude<Level, 'silent'>, fields: object, sentence: string): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#level)) return;
    this.#logger ??= this.#load();
    this.#logger[level](fields, sentence);
  }
}

/**
 * A log of JSON lines, or of text for a person. Each line is written before the call returns, so that the last one
 * before a crash is there. Secrets are hidden, wherever they stand.
 */
export function createLog({ level, form }: Config['log'], options: LogOptions = {}): LevelLog {
  const { secrets = [], write = writeAtOnce(2), isTerminal = process.stderr.isTTY === true } = options;
  const isText = form === 'text' || (form === 'auto' && isTerminal);
  return new LevelLog(level, () => {
    const { pino } = load<typeof import('pino')>('pino');
    const readable = isText ? readableForm(isTerminal) : (line: string) => line;
    return pino(
      {
        level: 'debug', // what is below ours has not come here
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }), log: hideSecrets },
        serializers: { err: (error) => error }, // it is described already
        hooks: { streamWrite: (line) => hideCredentials(line, secrets) },
      },
      { write: (line: string) => write(readable(line)) },
    );
  });
}

function readableForm(colorize: boolean): (line: string) => string {
  const { prettyFactory } = load<typeof import('pino-pretty')>('pino-pretty');
  return prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l' }) as (line: string) => string;
}
