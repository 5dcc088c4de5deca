import type { Writable } from 'node:stream';

/** `send` returns false while more bytes than this wait for the reader. */
const MUCH = 1024 * 1024;

/** Sends lines to a program: those of one turn of the event loop leave in one write. */
export class LineWriter {
  #stream: Writable | undefined;
  #text = '';
  #isScheduled = false;
  #isEnded = false;
  #untaken = 0;
  readonly #waiting: (() => void)[] = [];

  /** Without a stream, lines wait for `open`. */
  constructor(stream?: Writable) {
    if (stream) this.open(stream);
  }

  open(stream: Writable): void {
    this.#stream = stream;
    stream.on('drain', () => this.#release());
    stream.on('close', () => this.#release());
    if (this.#text !== '') this.#schedule();
  }

  /** About how many bytes wait to be read. */
  get queued(): number {
    return this.#text.length + (this.#stream?.writableLength ?? 0);
  }

  /** Of what was written before the stream failed, the bytes that the system had not taken, at most. */
  get untaken(): number {
    return this.#untaken;
  }

  /** False: much is queued, wait for `drained`. It is sent all the same, unless this has ended. */
  send(line: string): boolean {
    if (this.#isEnded) return false;
    this.#text += `${line}\n`;
    this.#schedule();
    return this.queued < MUCH;
  }

  /** Sends bytes as they are, after all lines sent before. Returns what `send` returns. */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnded || !this.#stream) return false;
    this.flush();
    this.#stream.write(bytes);
    return this.queued < MUCH;
  }

  /** Resolves when little is queued, or nobody will read it any more. */
  async drained(): Promise<void> {
    this.flush();
    while (this.queued >= MUCH && !this.#isEnded && this.#stream?.destroyed !== true)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the stream, after everything that was sent. */
  end(): void {
    if (this.#isEnded) return;
    this.flush();
    this.#isEnded = true;
    this.#stream?.end();
    this.#release();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.flush);
  }

  /** Writes at once what was sent in this turn. */
  readonly flush = (): void => {
    this.#isScheduled = false;
    if (this.#text === '' || !this.#stream) return;
    const text = this.#text;
    this.#text = '';
    const { destroyed } = this.#stream;
    this.#stream.write(text);
    this.#untaken = destroyed ? this.#untaken + text.length : this.#stream.writableLength;
  };

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
