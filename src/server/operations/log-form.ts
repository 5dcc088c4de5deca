import { hideSecrets } from './secrets.ts';

/** One entry of the log, before it is formatted. */
export interface LogRecord {
  readonly level: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly fields: object;
  readonly sentence: string;
}

/** JSON, one object a line: `level`, `time`, the fields, `msg`. */
export function jsonLine({ level, at, fields, sentence }: LogRecord): string {
  const head = { level, time: new Date(at).toISOString() };
  return `${JSON.stringify(Object.assign({ ...head }, hideSecrets(fields), head, { msg: sentence }))}\n`;
}

/** The terminal colors of the levels (SGR codes). */
const COLORS: Readonly<Record<string, number>> = { debug: 34, info: 32, warn: 33, error: 31 };

/** Lines for a person: the time of day, the level and the sentence, then each field on its own line. */
export function textLines({ level, at, fields, sentence }: LogRecord, isColored: boolean): string {
  const paint = (text: string, color = 0) => (isColored ? `\x1b[${color}m${text}\x1b[0m` : text);
  const time = new Date(at);
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  const lines = [`[${clock}] ${paint(level.toUpperCase(), COLORS[level])}: ${paint(printable(sentence), 36)}`];
  for (const [name, value] of Object.entries(hideSecrets(fields))) {
    if (value === undefined) continue;
    // A stack is shown line by line.
    const { stack, ...rest } = (typeof value === 'object' ? (value ?? {}) : {}) as { stack?: unknown };
    const shown = typeof stack === 'string' ? rest : value;
    lines.push(...`${name}: ${JSON.stringify(shown, null, 2)}`.split('\n').map((line) => `    ${line}`));
    if (typeof stack === 'string') lines.push(...stack.split('\n').map((line) => `      ${printable(line)}`));
  }
  return `${lines.join('\n')}\n`;
}

/** The record without its fields, which cannot be shown. */
export function bareRecord(record: LogRecord, cause: unknown): LogRecord {
  const why = cause instanceof Error ? cause.message : 'they threw';
  return { ...record, fields: { fields: `cannot be shown: ${why}` } };
}

/** Without the characters that move a terminal's cursor. */
function printable(text: string): string {
  return String(text).replace(/\p{Cc}/gu, ' ');
}
