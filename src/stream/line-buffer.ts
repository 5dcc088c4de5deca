const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Bytes in, lines out; each byte is looked at once, however the lines are cut up on their way. */
export class LineBuffer {
  /** The beginning of a line whose end is not here yet. */
  #begun: Buffer[] = [];
  #begunLength = 0;
  /** What has not been looked through yet. */
  #fresh: Buffer = Buffer.alloc(0);

  /** How long the unfinished line is, in bytes, once `take` has answered undefined. */
  get length(): number {
    return this.#begunLength + this.#fresh.length;
  }

  append(chunk: Buffer): void {
    if (this.#fresh.length > 0) this.#begin();
    this.#fresh = chunk;
  }

  /** The next whole line with the `\n` that ends it, or undefined until there is one. */
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

  /** Everything that is left, looked through or not. */
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

/** The text of a line, without the `\n` or `\r\n` at its end. What is not UTF-8 becomes U+FFFD. */
export function lineText(line: Buffer): string {
  let end = line.length;
  if (line[end - 1] === NEWLINE) end -= line[end - 2] === CARRIAGE_RETURN ? 2 : 1;
  return line.toString('utf8', 0, end);
}
