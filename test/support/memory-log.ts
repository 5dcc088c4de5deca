interface Line {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly sentence: string;
}

/** What was logged. */
export class MemoryLog {
  readonly lines: Line[] = [];
  readonly debug = this.#writer('debug');
  readonly info = this.#writer('info');
  readonly warn = this.#writer('warn');
  readonly error = this.#writer('error');

  /** As it might be written: a line each. */
  get text(): string {
    return this.lines.map(({ level, fields, sentence }) => `${level} ${sentence} ${JSON.stringify(fields)}`).join('\n');
  }

  #writer(level: string) {
    return (fields: object, sentence: string) => {
      this.lines.push({ level, fields: fields as Record<string, unknown>, sentence });
    };
  }
}
