const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Bytes in, lines out; each byte is examined once, however the lines are split. */
export class LineBuffer {
  /** The start of a line whose end has not arrived. */
  #begun: Buffer[] = [];
  #begunLength = 0;
  /** What was not searched yet. */
  #fresh: Buffer = Buffer.alloc(0);

  /** Length of the unfinished line in bytes, once `take` has returned undefined. */
  get length(): number {
    return this.#begunLength + this.#fresh.length;
  }

  append(chunk: Buffer): void {
    if (this.#fresh.length > 0) this.#begin();
    this.#fresh = chunk;
  }

  /** The next complete line including its `\n`, or undefined until there is one. */
  take(): Buffer | undefined {
    const end = this.#fresh.indexOf(NEWLINE);
    if (end === -1) {
      this.#begin();
      return undefined;
    }
    const rest = this.#fresh.subarray(end + 1);
    this.#fresh = this.#fresh.subarray(0, end + 1);
    const line = this.takeRest();
    this.#fresh = rest;
    return line;
  }

  /** Everything left, searched or not. */
  takeRest(): Buffer {
    const rest = this.#begun.length === 0 ? this.#fresh : Buffer.concat([...this.#begun, this.#fresh]);
    this.#begun = [];
    this.#begunLength = 0;
    this.#fresh = rest.subarray(rest.length);
    return rest;
  }

  #begin(): void {
    if (this.#fresh.length === 0) return;
    this.#begun.push(this.#fresh);
    this.#begunLength += this.#fresh.length;
    this.#fresh = this.#fresh.subarray(this.#fresh.length);
  }
}

/** The text of a line, without its `\n` or `\r\n`. Invalid UTF-8 becomes U+FFFD. */
export function lineText(line: Buffer): string {
  let end = line.length;
  if (line[end - 1] === NEWLINE) end -= line[end - 2] === CARRIAGE_RETURN ? 2 : 1;
  return line.toString('utf8', 0, end);
}
