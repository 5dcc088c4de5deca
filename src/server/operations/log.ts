import type { Config } from '../config/index.ts';
import { bareRecord, jsonLine, type LogRecord, textLines } from './log-form.ts';
import { hideCredentials } from './secrets.ts';
import { writeAtOnce } from './write-at-once.ts';

/** The log of the daemon's parts: fields first, then a sentence. It never throws. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

type Level = Config['log']['level'];
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error', 'silent'];

export interface LogOptions {
  /** Texts that are hidden wherever they appear: the secrets of the configuration. A reload may add to them. */
  readonly secrets?: Iterable<string>;
  /** Writes a line, with its line end, before it returns. Default: to standard error. */
  readonly write?: (line: string) => void;
  /** Whether a person reads it live. Default: whether standard error is a terminal. */
  readonly isTerminal?: boolean;
}

/**
 * The daemon's log, whose level and form a reload can change. It works from memory alone: there may be no file left to
 * open, or the program's files may have been replaced by a newer version.
 */
export class LevelLog implements Log {
  readonly #write: (record: LogRecord, form: Config['log']['form']) => void;
  #config: Config['log'];

  constructor(config: Config['log'], write: (record: LogRecord, form: Config['log']['form']) => void) {
    this.#config = config;
    this.#write = write;
  }

  /** Applies from the next line on. */
  configure(config: Config['log']): void {
    this.#config = config;
  }

  debug(fields: object, sentence: string): void {
    this.#line('debug', fields, sentence);
  }

  info(fields: object, sentence: string): void {
    this.#line('info', fields, sentence);
  }

  warn(fields: object, sentence: string): void {
    this.#line('warn', fields, sentence);
  }

  error(fields: object, sentence: string): void {
    this.#line('error', fields, sentence);
  }

  #line(level: Exclude<Level, 'silent'>, fields: object, sentence: string): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#config.level)) return;
    this.#write({ level, at: Date.now(), fields, sentence }, this.#config.form);
  }
}

/**
 * A log of JSON lines, or of text for a person. Each line is written before the call returns, so that a crash does not
 * lose the last one. Secrets are hidden wherever they appear.
 */
export function createLog(config: Config['log'], options: LogOptions = {}): LevelLog {
  const { secrets = [], write = writeAtOnce(2), isTerminal = process.stderr.isTTY === true } = options;
  return new LevelLog(config, (record, form) => {
    const isText = form === 'text' || (form === 'auto' && isTerminal);
    const format = (record: LogRecord) => (isText ? textLines(record, isTerminal) : jsonLine(record));
    let line: string;
    try {
      line = format(record);
    } catch (cause) {
      line = format(bareRecord(record, cause)); // a getter or a toJSON that throws
    }
    write(hideCredentials(line, secrets));
  });
}
