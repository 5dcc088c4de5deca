import { after } from '../clock.ts';
import { LineBuffer } from '../stream/index.ts';
import { errorLine } from './exit-codes.ts';

/** Always true. */
const delay = (duration: number) => new Promise<true>((resolve) => after(duration, () => resolve(true)));

/** Since when nothing has happened. */
export class Silence {
  #last = performance.now();

  touch(): void {
    this.#last = performance.now();
  }

  /** Settles once it has lasted so long, in milliseconds. */
  async lasts(duration: number): Promise<void> {
    for (;;) {
      const left = this.#last + duration - performance.now();
      if (left <= 0) return;
      await delay(left);
    }
  }
}

/** Standard input, which nobody reads before it is asked for, nor faster than its reader writes it on. */
export class Input {
  /** Whether a person types it. */
  readonly isTyped = process.stdin.isTTY === true;
  readonly #silence = new Silence();
  readonly #ended = Promise.withResolvers<void>();
  #inHand = false;

  /** The chunks as they come, or each line with its end. */
  async *read(unit: 'chunks' | 'lines'): AsyncGenerator<Buffer, void, undefined> {
    this.#silence.touch();
    const buffer = new LineBuffer();
    for await (const chunk of process.stdin) {
      if (unit === 'chunks') yield* this.#hand(chunk);
      else {
        buffer.append(chunk);
        for (let line = buffer.take(); line; line = buffer.take()) yield* this.#hand(line);
      }
    }
    if (buffer.length > 0) yield* this.#hand(buffer.takeRest());
    this.#ended.resolve();
  }

  /** Settles once it has ended, or has said nothing for so long (in milliseconds) while its reader was ready. */
  settled(wait: number): Promise<void> {
    const quiet = async () => {
      do await this.#silence.lasts(wait);
      while (this.#inHand && (await delay(wait)));
    };
    return Promise.race([this.#ended.promise, quiet()]);
  }

  *#hand(bytes: Buffer): Generator<Buffer, void, undefined> {
    this.#inHand = true;
    yield bytes;
    this.#inHand = false;
    this.#silence.touch();
  }
}

/** Writes to standard output, and settles when it has taken everything: so whoever prints waits for its reader. */
export function print(bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

/** A line beside the output: where it listens, what befell one of many. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function noteError(error: unknown): void {
  note(errorLine(error));
}
