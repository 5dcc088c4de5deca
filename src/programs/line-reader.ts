import type { Readable } from 'node:stream';
import { LineBuffer, lineText } from '../stream/index.ts';

export interface LineReaderOptions {
  /** Gets each line, without its newline. */
  readonly onLine: (line: string) => void;
  /** A line is longer than `maxLine` bytes. Nothing is read after this. */
  readonly onTooLong: () => void;
  readonly maxLine: number;
}

/** Calls back for each line of a stream, until `stop`; also for a last one without a newline. */
export class LineReader {
  readonly #lines = new LineBuffer();
  readonly #options: LineReaderOptions;
  #isStopped = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  open(stream: Readable): void {
    stream.on('data', (chunk: Buffer) => this.read(chunk));
    stream.on('end', () => {
      const rest = this.#lines.takeRest();
      if (rest.length > 0 && !this.#isStopped) this.#options.onLine(lineText(rest));
    });
  }

  read(chunk: Buffer): void {
    const { onLine, onTooLong, maxLine } = this.#options;
    this.#lines.append(chunk);
    while (!this.#isStopped) {
      const line = this.#lines.take();
      if ((line?.length ?? this.#lines.length) > maxLine) {
        this.#isStopped = true;
        onTooLong();
      } else if (line) onLine(lineText(line));
      else return;
    }
  }

  /** No further line is reported. */
  stop(): void {
    this.#isStopped = true;
  }
}
