import { after } from '../clock.ts';
import { LineBuffer } from '../stream/index.ts';
import { errorLine } from './exit-codes.ts';

/** Resolves with true. */
const delay = (duration: number) => new Promise<true>((resolve) => after(duration, () => resolve(true)));

/** Measures how long nothing has happened. */
export class IdleTimer {
  #last = performance.now();

  touch(): void {
    this.#last = performance.now();
  }

  /** Resolves once nothing has happened for this long, in milliseconds. */
  async lasts(duration: number): Promise<void> {
    for (;;) {
      const left = this.#last + duration - performance.now();
      if (left <= 0) return;
      await delay(left);
    }
  }
}

/** Standard input, read only on demand, and no faster than its reader forwards it. */
export class Input {
  /** Whether it is a terminal. */
  readonly isTyped = process.stdin.isTTY === true;
  readonly #idle = new IdleTimer();
  readonly #ended = Promise.withResolvers<void>();
  #inHand = false;

  /** The chunks as they arrive, or each line with its end. */
  async *read(unit: 'chunks' | 'lines'): AsyncGenerator<Buffer, void, undefined> {
    this.#idle.touch();
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

  /** Resolves once it has ended, or was silent for this long (in milliseconds) while its reader was ready. */
  settled(wait: number): Promise<void> {
    const quiet = async () => {
      do await this.#idle.lasts(wait);
      while (this.#inHand && (await delay(wait)));
    };
    return Promise.race([this.#ended.promise, quiet()]);
  }

  *#hand(bytes: Buffer): Generator<Buffer, void, undefined> {
    this.#inHand = true;
    yield bytes;
    this.#inHand = false;
    this.#idle.touch();
  }
}

/** Writes to standard output, and resolves when everything was taken, so that a slow reader slows the caller. */
export function print(bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

/** A line on standard error: where it listens, or what happened to one connection. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function noteError(error: unknown): void {
  note(errorLine(error));
}
